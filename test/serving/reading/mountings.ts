import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { type LogHandler, nodeListener } from 'kahn/http';
import { onTestFinished } from 'vitest';

/** A server or framework in which a handler is mounted under `/logs`, beside a route `/health`. */
export interface Mounting {
  readonly name: string;
  /** Starts a server for the running test. Resolves with its port. */
  listen(handler: LogHandler): Promise<number>;
}

/** Closes a server with the running test; resolves with its port when it listens. */
async function portOf(server: Server): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  if (!server.listening) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export const mountings: readonly Mounting[] = [
  {
    name: 'node:http',
    listen: (handler) => {
      const logs = nodeListener(handler);
      const server = createServer((request, response) => {
        if (request.url === '/health') response.end('ok');
        else logs(request, response);
      });
      return portOf(server.listen(0, '127.0.0.1'));
    },
  },
  {
    name: 'Fastify',
    listen: async (handler) => {
      const logs = nodeListener(handler);
      const fastify = Fastify();
      fastify.get('/health', () => 'ok');
      fastify.get('/logs/*', (request, reply) => {
        reply.hijack();
        logs(request.raw, reply.raw);
      });
      await fastify.listen({ port: 0, host: '127.0.0.1' });
      return portOf(fastify.server);
    },
  },
  {
    name: 'Hono',
    listen: (handler) => {
      const app = new Hono();
      app.get('/health', (context) => context.text('ok'));
      app.get('/logs/*', (context) => handler(context.req.raw));
      return portOf(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
    },
  },
  {
    name: 'a route handler of Next', // a function of a standard Request, which a server calls
    listen: (handler) => {
      const GET = (request: Request): Promise<Response> => handler(request);
      const health = async () => new Response('ok');
      const route: LogHandler = (request) =>
        new URL(request.url).pathname === '/health' ? health() : GET(request);
      return portOf(createServer(nodeListener(route)).listen(0, '127.0.0.1'));
    },
  },
];
