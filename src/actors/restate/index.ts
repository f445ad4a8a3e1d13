export {
  ActorsMismatchError,
  ActorsStoppedError,
  EngineError,
  type EngineErrorCode,
  StorageMismatchError,
} from './errors.ts';
export type { Registration } from './registration.ts';
export type { RestateMessage } from './restate-message.ts';
export type { RestateOptions } from './restate-options.ts';
export { RestateRunner } from './restate-runner.ts';
export { RestateService } from './restate-service.ts';
export type { RestateServiceOptions } from './service-options.ts';
