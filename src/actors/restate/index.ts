export {
  ActorsMismatchError,
  ActorsStoppedError,
  EngineError,
  type EngineErrorCode,
  StorageMismatchError,
} from './errors.ts';
export type { Registration } from './engine/registration.ts';
export type { RestateMessage } from './service/restate-message.ts';
export type { RestateOptions } from './client/restate-runner-options.ts';
export { RestateRunner } from './client/restate-runner.ts';
export { RestateService } from './service/restate-service.ts';
export type { RestateServiceOptions } from './service/restate-service-options.ts';
