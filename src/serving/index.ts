import '../util/environment/node-version.ts';

export {
  type RemoteApplicationClass,
  type RemoteHeaders,
  type RemoteOptions,
  remote,
} from '../application/remote.ts';
export type { ErrorDocument, LogDocument, SectionDocument } from '../storage/remote/protocol.ts';
export { nodeListener } from './node-listener.ts';
export { type LogHandler, serveLogs } from './serve-logs.ts';
export type { Authorize, ServeLogsOptions } from './serve-options.ts';
