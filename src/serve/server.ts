import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { MlmlError } from '../errors.js';
import { Turns } from '../model/predictor/turns.js';
import type { Storage } from '../storage/storage.js';
import { Metrics } from './metrics.js';
import { RequestHandler } from './requestHandler.js';
import { rawAnswer } from './sendAnswer.js';
import { openServedModel, type ServedModel } from './servedModel.js';
import { planServing, type ServeEvent, type ServeOptions, type ServePlan } from './serveOptions.js';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
/** Connections beyond are refused. */
const MOST_CONNECTIONS = 256;
const MOST_HEADER_BYTES = 16_384;
/** How long a connection without requests stays open. */
const IDLE_MS = 5000;
/** How often connections are looked over for requests that take too long. */
const LOOK_MS = 1000;

/** Errors of reading a request, by the code Node gives them. */
const unreadable: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'TIMEOUT', 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: [431, 'TOO_LARGE', `the header is longer than ${MOST_HEADER_BYTES} bytes`],
};

/** A server that answers until it is closed. */
export class ModelServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #storage: Storage;
  readonly #path: string;
  readonly #options: ServeOptions;
  readonly #plan: ServePlan;
  readonly #metrics = new Metrics(Date.now() / 1000);
  readonly #handler: RequestHandler;
  readonly #responses = new WeakMap<Duplex, ServerResponse>();
  #served: ServedModel;
  #connections = 0;
  #stopping: Promise<void> | undefined;
  readonly #reloads = new Turns();

  /** See `startServer`. */
  constructor(storage: Storage, path: string, options: ServeOptions, plan: ServePlan, served: ServedModel) {
    this.#storage = storage;
    this.#path = path;
    this.#options = options;
    this.#served = served;
    this.#plan = plan;
    const { timeoutMs } = plan;
    this.#handler = new RequestHandler({
      plan,
      metrics: this.#metrics,
      served: () => this.#served,
      stopping: () => this.#stopping !== undefined,
      connections: () => this.#connections,
      activity: (bytes) => this.#options.onActivity?.(bytes),
      warn: (message) => this.#emit({ type: 'warning', message }),
    });
    this.#server = createServer({
      requestTimeout: timeoutMs,
      headersTimeout: timeoutMs,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: Math.min(LOOK_MS, timeoutMs / 2),
      maxHeaderSize: MOST_HEADER_BYTES,
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    // Also of a connection on which an answer is not being taken.
    this.#server.timeout = timeoutMs;
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      this.#responses.set(request.socket, response);
      this.#handler.handle(request, response).catch((error: unknown) => {
        this.#emit({
          type: 'warning',
          message: error instanceof Error ? (error.stack ?? '') : String(error),
        });
        response.destroy();
      });
    };
    this.#server.on('request', handle);
    this.#server.on('checkContinue', handle);
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuse(error, socket));
    this.#server.on('connection', (socket) => {
      this.#connections++;
      socket.once('close', () => this.#connections--);
    });
  }

  /** The address that was asked for, and the port that was found. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Opens the port; called by `startServer`. */
  async listen(): Promise<void> {
    const { host = DEFAULT_HOST, port = DEFAULT_PORT } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      this.#server.listen({ host, port }, resolve);
    });
    this.#server.on('error', (error) => this.#emit({ type: 'warning', message: String(error) }));
  }

  /**
   * Loads the model from its folder again. Requests that are being predicted end with the old one, which is kept when the new one
   * cannot be loaded: then this rejects. For that moment both are in memory.
   */
  async reload(): Promise<void> {
    await this.#reloads.take(() => this.#reload());
  }

  async #reload(): Promise<void> {
    try {
      const fresh = await openServedModel(this.#storage, this.#path, this.#plan, this.#options);
      const old = await this.#handler.inTurn(async () => {
        const before = this.#served;
        this.#served = fresh;
        return before;
      });
      this.#metrics.reloads.ok++;
      this.#metrics.modelLoaded = Date.now() / 1000;
      await old.predictor.close();
      this.#emit({ type: 'reloaded', fingerprint: fresh.fingerprint });
    } catch (error) {
      this.#metrics.reloads.failed++;
      throw error;
    }
  }

  /** Takes no more connections, answers the requests that have come, and frees the model. */
  close(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    // Whoever has not sent or taken everything by then is cut off.
    const timer = setTimeout(() => this.#server.closeAllConnections(), this.#plan.timeoutMs);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    clearTimeout(timer);
    await this.#reloads.ended();
    await this.#served.predictor.close();
  }

  /** The same as `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    const response = this.#responses.get(socket);
    // An answer that has begun cannot be taken back.
    if (
      error.code === 'ECONNRESET' ||
      !socket.writable ||
      (response?.headersSent && !response.writableFinished)
    ) {
      socket.destroy();
      return;
    }
    const reason = `the request cannot be read: ${error.message.replace(/^Parse Error: /, '')}`;
    const [status, code, message] = unreadable[error.code ?? ''] ?? [400, 'BAD_REQUEST', reason];
    // A request whose head came is counted when its answer closes.
    if (response === undefined || response.writableFinished) this.#metrics.request('other', String(status));
    socket.end(rawAnswer(status, STATUS_CODES[status]!, code, message), () => socket.destroy());
  }

  #emit(event: ServeEvent): void {
    this.#options.onEvent?.(event);
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `--port=${port}: another program listens there; choose another, or 0 for a free one`,
    EACCES: `--port=${port}: this user may not listen there; choose one from 1024 on`,
    EADDRNOTAVAIL: `--host=${host}: is no address of this machine`,
    ENOTFOUND: `--host=${host}: is no address and no known name`,
  };
  const reason = reasons[error.code ?? ''];
  if (reason !== undefined) return new MlmlError('MLML_USAGE', reason, { cause: error });
  return new MlmlError('MLML_IO', `--host=${host} --port=${port}: ${error.message}`, { cause: error });
}

/**
 * Serves the model of a folder over HTTP: `POST /predict`, `GET /health`, `GET /model`, `GET /metrics` (docs/serving.md).
 *
 * @throws MlmlError `MLML_USAGE` for an address that cannot be had, `MLML_BUDGET_TOO_SMALL`, and what loading the model throws
 *
 * @example
 * const server = await startServer(nodeStorage, 'runs/mine', { port: 0 });
 * console.log(server.url);
 * await server.close();
 */
export async function startServer(
  storage: Storage,
  path: string,
  options: ServeOptions = {},
): Promise<ModelServer> {
  const plan = planServing(options);
  const served = await openServedModel(storage, path, plan, options);
  const server = new ModelServer(storage, path, options, plan, served);
  try {
    await server.listen();
  } catch (error) {
    await served.predictor.close();
    throw error;
  }
  return server;
}
