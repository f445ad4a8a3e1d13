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
  /** Whether requests that wait are answered when the server closes. */
  readonly answersOnClose: boolean;
  /** Starts a server for the running test. */
  listen(handler: LogHandler): Promise<Mounted>;
}

/** A server that listens. */
export interface Mounted {
  readonly server: Server;
  readonly port: number;
  /** Closes the server as its framework does. Resolves when its last connection has ended. */
  close(): Promise<unknown>;
}

/** Ends a server with the running test; resolves when it listens. */
async function mounted(server: Server, close = () => server[Symbol.asyncDispose]()): Promise<Mounted> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  if (!server.listening) await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, close };
}

export const mountings: readonly Mounting[] = [
  {
    name: 'node:http',
    answersOnClose: true,
    listen: (handler) => {
      const logs = nodeListener(handler);
      const server = createServer((request, response) => {
        if (request.url === '/health') response.end('ok');
        else logs(request, response);
      });
      return mounted(server.listen(0, '127.0.0.1'));
    },
  },
  {
    name: 'Fastify',
    answersOnClose: true,
    listen: async (handler) => {
      const logs = nodeListener(handler);
      const fastify = Fastify();
      fastify.get('/health', () => 'ok');
      fastify.get('/logs/*', (request, reply) => {
        reply.hijack();
        logs(request.raw, reply.raw);
      });
      await fastify.listen({ port: 0, host: '127.0.0.1' });
      return mounted(fastify.server, () => fastify.close());
    },
  },
  {
    name: 'Hono',
    answersOnClose: false,
    listen: (handler) => {
      const app = new Hono();
      app.get('/health', (context) => context.text('ok'));
      app.get('/logs/*', (context) => handler(context.req.raw));
      return mounted(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
    },
  },
  {
    name: 'a route handler of Next', // a function of a standard Request, which a server calls
    answersOnClose: true,
    listen: (handler) => {
      const GET = (request: Request): Promise<Response> => handler(request);
      const health = async () => new Response('ok');
      const route: LogHandler = (request) =>
        new URL(request.url).pathname === '/health' ? health() : GET(request);
      return mounted(createServer(nodeListener(route)).listen(0, '127.0.0.1'));
    },
  },
];
