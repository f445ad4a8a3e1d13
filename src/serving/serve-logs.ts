import { type Application, type ApplicationClass, applicationInternals } from '../application/application.ts';
import { recordedNameOf } from '../application/declaration.ts';
import { InvalidPositionError, LogGapError } from '../application/log/errors.ts';
import { defaultSectionSize, firstOfSection, sectionWith } from '../application/log/sections.ts';
import { isProjection } from '../application/projection/projection-declaration.ts';
import { OperableRunner, pipelineIdsOf } from '../runner/operating/operable-runner.ts';
import type { SystemRunner } from '../runner/runner.ts';
import { StorageError } from '../storage/errors.ts';
import { foreignLog, type ServedCause } from '../storage/remote/log-names.ts';
import { type LogDocument, protocolVersion, type SectionDocument } from '../storage/remote/protocol.ts';
import type { StoredNotification } from '../storage/stored-event.ts';
import { assertPartOf, type System, servedNameOf } from '../system/system.ts';
import { kindOf } from '../util/errors.ts';
import { InvalidArgumentError, InvalidOptionError, resolveOptions } from '../util/options.ts';
import { changing, refusal, unchanging } from './answers.ts';
import { authorizing } from './authorization.ts';
import { HeadWatch } from './head-watch.ts';
import { addressIn } from './log-address.ts';
import { RequestRate } from './request-rate.ts';
import {
  type Authorize,
  type ResolvedServeLogsOptions,
  type ServeLogsOptions,
  serveLogsOptions,
} from './serve-options.ts';

/** Longest URL that is answered, in characters. */
const longestUrl = 2_000;

/** Answers requests for logs. A fetch handler, as servers and frameworks take it. Never rejects. */
export type LogHandler = (request: Request) => Promise<Response>;

/**
 * Returns a handler of HTTP requests that serves the logs of applications, so that other systems can follow them. It
 * takes and returns the standard `Request` and `Response`. Close the server before the runner.
 *
 * @example
 * await using runner = await run(shop, { storage: memory() });
 * await runner.get(Orders).place('ada');
 * const handler = serveLogs(runner, { applications: [Orders], authorize: () => true });
 * const answer = await handler(new Request('http://localhost/logs/orders/0/sections/1,20'));
 * console.log(answer.status); // 200
 * @throws {@link InvalidArgumentError} if `runner` is no runner.
 * @throws {@link InvalidOptionError} if an option is missing or unknown, or its value does not fit.
 * @throws {@link UnknownApplicationError} if a class is not an application of the system.
 */
export function serveLogs<Apps extends ApplicationClass>(
  runner: SystemRunner<Apps>,
  options: ServeLogsOptions<Apps>,
): LogHandler {
  const given: ServeLogsOptions = options;
  const resolved = resolveOptions(
    given,
    serveLogsOptions,
    'serveLogs()',
    'serveLogs(runner, { applications: [Orders], authorize: token })',
  );
  if (typeof runner?.get !== 'function' || runner.system === undefined) {
    throw new InvalidArgumentError(
      `serveLogs() takes a running runner, as in serveLogs(await run(shop), { … }), not ${kindOf(runner)}.`,
    );
  }
  for (const application of options.applications) assertServable(runner.system, application);
  const server = new LogServer(runner as unknown as SystemRunner, resolved);
  return (request) => server.answer(request);
}

function assertServable(system: System, application: ApplicationClass): void {
  assertPartOf(system, application);
  if (application.remote !== undefined) {
    throw new InvalidArgumentError(
      `serveLogs() serves the logs of this system, but application '${application.applicationName}' of remote() runs in ` +
        'another one, which serves its log itself.',
    );
  }
  if (isProjection(application)) {
    throw new InvalidArgumentError(
      `serveLogs() serves events, but projection '${application.applicationName}' records rows and no events: serve the logs ` +
        'that it follows.',
    );
  }
  if (servedNameOf(system) === undefined) {
    throw new InvalidArgumentError(
      `serveLogs() needs a name by which other systems know this one, but it has the name '${system.name}': define it by ` +
        "System.of([...], { name: 'shop' }), with letters, digits, dots, dashes and underscores.",
    );
  }
}

/** Answers requests for the logs of a running system. */
class LogServer {
  readonly #runner: SystemRunner;
  readonly #options: ResolvedServeLogsOptions;
  readonly #authorize: Authorize;
  readonly #rate: RequestRate;
  /** Counts requests without a permission apart, so that they take nothing from those that have one. */
  readonly #refusedRate: RequestRate;
  readonly #watches = new WeakMap<Application, HeadWatch>();
  readonly #systemName: string;
  /** Classes of the system by the names of their applications. */
  readonly #classes: ReadonlyMap<string, ApplicationClass>;
  #waiting = 0;

  constructor(runner: SystemRunner, options: ResolvedServeLogsOptions) {
    this.#runner = runner;
    this.#options = options;
    this.#authorize = authorizing(options.authorize);
    this.#rate = new RequestRate(options.maxRequestsPerSecond);
    this.#refusedRate = new RequestRate(options.maxRequestsPerSecond);
    const all = runner.system.applications as readonly ApplicationClass[];
    this.#systemName = runner.system.name;
    this.#classes = new Map(all.map((one) => [one.applicationName, one]));
  }

  async answer(request: Request): Promise<Response> {
    try {
      return await this.#answer(request);
    } catch (error) {
      return answerFor(error);
    }
  }

  async #answer(request: Request): Promise<Response> {
    if (request.method !== 'GET')
      return refusal(405, 'METHOD_NOT_ALLOWED', 'Logs are read with GET.', { allow: 'GET' });
    if (request.url.length > longestUrl) return refusal(414, 'URL_TOO_LONG', 'The URL is too long.');
    const url = new URL(request.url);
    const address = addressIn(url.pathname, this.#options.path);
    if (address === undefined) return unknownLog();
    // First, so that only clients with a permission learn which logs there are.
    const served = this.#options.applications.find((one) => recordedNameOf(one) === address.applicationName);
    const isAllowed =
      (await this.#authorize(request, served?.applicationName ?? address.applicationName)) === true;
    if (!(isAllowed ? this.#rate : this.#refusedRate).allows())
      return refusal(429, 'TOO_MANY_REQUESTS', 'Try again in a second.', { 'retry-after': '1' });
    if (!isAllowed)
      return refusal(401, 'UNAUTHORIZED', 'Send a valid token.', { 'www-authenticate': 'Bearer' });
    const application = served && (await this.#applicationOf(served, address.pipelineId));
    if (application === undefined) return unknownLog();
    const { sectionId } = address;
    return sectionId === undefined
      ? await this.#answerHead(request, application, url.searchParams)
      : await this.#answerSection(request, application, sectionId, url.searchParams);
  }

  /**
   * Returns an application in a pipeline; undefined if the runner does not run the pipeline, and nothing is recorded in it.
   * A runner with processes opens any pipeline, so a client must not decide which ones.
   */
  async #applicationOf(served: ApplicationClass, pipelineId: number): Promise<Application | undefined> {
    const runner = this.#runner;
    if (!(runner instanceof OperableRunner) || !pipelineIdsOf(runner).includes(pipelineId)) {
      const { recorder } = applicationInternals.storeOf(runner.get(served));
      if (!(await recorder.logs()).some((log) => log.pipelineId === pipelineId)) return undefined;
    }
    try {
      return runner.get(served, pipelineId);
    } catch (error) {
      if (error instanceof InvalidOptionError) return undefined;
      throw error;
    }
  }

  /** Answers where the log ends, when it has grown or the time of the request is over. */
  async #answerHead(request: Request, application: Application, query: URLSearchParams): Promise<Response> {
    const after = countIn(query, 'after');
    const waitMs = Math.min(countIn(query, 'waitMs'), this.#options.maxWaitMs);
    if (waitMs > 0 && this.#waiting >= this.#options.maxWaiting)
      return refusal(503, 'TOO_MANY_WAITING', 'Ask without waitMs, or later.', { 'retry-after': '1' });
    const watch = this.#watches.get(application) ?? new HeadWatch(application);
    this.#watches.set(application, watch);
    this.#waiting += 1;
    try {
      const head = await watch.above(after, waitMs, request.signal);
      const document: LogDocument = { ...this.#describe(application), head };
      return changing(document);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Returns a notification whose cause has the name under which it is recorded, and the name of its system. */
  #served(item: StoredNotification): StoredNotification {
    if (item.cause === undefined) return item;
    const { applicationName } = item.cause;
    const known = this.#classes.get(applicationName);
    const name = known === undefined ? applicationName : recordedNameOf(known);
    const isOwn = known !== undefined && known.remote === undefined;
    const cause: ServedCause = {
      ...item.cause,
      ...((isOwn ? undefined : foreignLog(name)) ?? { applicationName: name }),
    };
    return { ...item, cause };
  }

  #describe({ log }: Application): Omit<LogDocument, 'head'> {
    const { pipelineId, sectionSize = defaultSectionSize } = log;
    const applicationName = log.recordedAs ?? log.applicationName;
    return { version: protocolVersion, system: this.#systemName, applicationName, pipelineId, sectionSize };
  }

  async #answerSection(
    request: Request,
    application: Application,
    sectionId: string,
    query: URLSearchParams,
  ): Promise<Response> {
    const { log } = application;
    const { applicationName, sectionSize, ...others } = this.#describe(application);
    const head = await log.head();
    const id = sectionId === 'current' ? head - (head % sectionSize) + 1 : undefined;
    const first = id ?? firstOfSection(applicationName, sectionId, sectionSize);
    const after = Math.max(countIn(query, 'after'), first - 1);
    const end = Math.min(first + sectionSize - 1, head);
    const items = after < end ? await log.select(after, end - after, this.#options.maxSize) : [];
    items.forEach((item, index) => {
      if (item.id !== after + 1 + index) throw new LogGapError(log, after + 1 + index);
    });
    const isCut = after + items.length < end;
    const { id: name, previousId } = sectionWith(first, sectionSize, []);
    const isFull = head >= first + sectionSize - 1;
    const document: SectionDocument = {
      ...others,
      applicationName,
      sectionSize,
      id: name,
      ...(previousId !== undefined && { previousId }),
      ...(isFull && { nextId: sectionWith(first + sectionSize, sectionSize, []).id }),
      items: items.map((item) => this.#served(item)),
      ...(isCut && { isCut }),
    };
    return isFull && sectionId !== 'current' ? unchanging(request, document) : changing(document);
  }
}

/** Reads a query parameter; 0 if it is missing. Throws {@link InvalidPositionError} unless it is one integer >= 0. */
function countIn(query: URLSearchParams, name: string): number {
  const [text = '0', ...others] = query.getAll(name);
  if (/^\d{1,15}$/.test(text) && others.length === 0) return Number(text);
  throw new InvalidPositionError(`Expected the query parameter '${name}' to be one integer >= 0.`);
}

function unknownLog(): Response {
  return refusal(404, 'UNKNOWN_LOG', 'No log is served here.');
}

/** Answers a request that has failed. Says nothing of what is behind the log. */
function answerFor(error: unknown): Response {
  if (error instanceof InvalidPositionError) return refusal(400, error.code, error.message);
  if (error instanceof LogGapError) return refusal(500, error.code, 'The log is damaged.');
  const isPassing = error instanceof StorageError && error.transient;
  if (isPassing) return refusal(503, 'UNAVAILABLE', 'Try again later.', { 'retry-after': '1' });
  return refusal(500, 'FAILED', 'The log cannot be read.');
}
