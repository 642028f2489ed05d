import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Prediction } from '../model/predictor/predictor.js';
import { Turns } from '../model/predictor/turns.js';
import { BytePool } from './bytePool.js';
import { busy, HttpError, httpErrorOf } from './httpError.js';
import type { Metrics } from './metrics.js';
import { readBody } from './readBody.js';
import { parseRequest, probaOf, queryOf } from './requestRows.js';
import { type Answer, errorAnswer, jsonAnswer, sendAnswer } from './sendAnswer.js';
import { requireShortAnswer, type ServedModel } from './servedModel.js';
import type { ServePlan } from './serveOptions.js';

const methods: Readonly<Record<string, readonly string[]>> = {
  '/predict': ['POST'],
  '/health': ['GET', 'HEAD'],
  '/model': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
};

/** What a handler needs of its server. */
export interface ServerState {
  readonly plan: ServePlan;
  readonly metrics: Metrics;
  readonly served: () => ServedModel;
  readonly stopping: () => boolean;
  readonly connections: () => number;
  readonly warn: (message: string) => void;
  readonly activity: (bytes: number) => void;
}

/** Answers requests. Bodies are parsed and predicted one after the other, so that one is spread out in memory at a time. */
export class RequestHandler {
  readonly #state: ServerState;
  readonly #pool: BytePool;
  readonly #turns = new Turns();

  constructor(state: ServerState) {
    this.#state = state;
    this.#pool = new BytePool(state.plan.heldBytes);
  }

  /** Runs work when the requests before it have been predicted. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, plan } = this.#state;
    const started = performance.now();
    const { path, query } = queryOf(request.url ?? '');
    const known = Object.hasOwn(methods, path) ? path : 'other';
    const predicts = known === '/predict';
    if (predicts) metrics.inFlight++;
    response.once('close', () => {
      if (predicts) metrics.inFlight--;
      metrics.request(known, response.writableFinished ? String(response.statusCode) : 'aborted');
      if (predicts && response.writableFinished) metrics.duration((performance.now() - started) / 1000);
    });
    let answer: Answer;
    try {
      answer = await this.#answer(request, response, known, query);
    } catch (error) {
      if (response.destroyed) return;
      const found = httpErrorOf(error);
      if (found.status === 500)
        this.#state.warn(
          `${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      answer = errorAnswer(found);
    }
    if (response.destroyed) return;
    // The bytes of a served description lie there anyway.
    const held = predicts && answer.status === 200 ? answer.body.length : 0;
    if (!this.#pool.take(held)) {
      answer = errorAnswer(busy('too many answers are waiting to be taken; try again'));
    } else if (held > 0) response.once('close', () => this.#pool.give(held));
    sendAnswer(request, response, answer, this.#state.stopping(), this.#state.activity);
    // Mostly the system has taken all of it at once.
    if (response.writableFinished || (response.writableEnded && response.socket?.writableLength === 0))
      return;
    const timer = setTimeout(() => response.destroy(), plan.timeoutMs);
    response.once('close', () => clearTimeout(timer));
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<Answer> {
    const { metrics, served, stopping, connections } = this.#state;
    const allowed = methods[path];
    if (allowed === undefined) {
      throw new HttpError(
        404,
        'NOT_FOUND',
        'there is no such path; there are POST /predict, GET /health, /model and /metrics',
      );
    }
    if (!allowed.includes(request.method ?? '')) {
      const headers = { allow: allowed.join(', ') };
      throw new HttpError(405, 'METHOD_NOT_ALLOWED', `${path} takes ${allowed.join(' and ')} only`, {
        headers,
      });
    }
    switch (path) {
      case '/health':
        return stopping() ? jsonAnswer(503, { status: 'stopping' }) : jsonAnswer(200, { status: 'ok' });
      case '/model':
        return { status: 200, type: 'application/json', body: served().description };
      case '/metrics': {
        const { user, system } = process.cpuUsage();
        const text = metrics.text({
          connections: connections(),
          heldBytes: this.#pool.held,
          residentBytes: process.memoryUsage.rss(),
          cpuSeconds: (user + system) / 1e6,
        });
        return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: Buffer.from(text) };
      }
      default:
        return await this.#predict(request, response, query);
    }
  }

  async #predict(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<Answer> {
    const { plan, metrics, served } = this.#state;
    requireJson(request);
    const asked = probaOf(query);
    const body = await readBody(request, response, this.#pool, plan.maxBodyBytes, this.#state.activity);
    try {
      return await this.inTurn(async () => {
        if (response.destroyed) throw hasGone();
        const { rows, single, proba } = parseRequest(body.bytes, asked, plan.maxRows);
        const model = served();
        requireShortAnswer(model, rows.length, proba);
        const predictions = await predictFor(response, model, rows, proba);
        metrics.rows += rows.length;
        return jsonAnswer(200, single ? { prediction: predictions[0] } : { predictions });
      });
    } finally {
      const { length } = body.bytes;
      body.release();
      this.#state.activity(length);
    }
  }
}

const hasGone = () => new Error('the client has gone away');

/** Predicts rows for a client. A model that takes long for a row stops when the client goes; any other is done before that is known. */
async function predictFor(
  response: ServerResponse,
  { predictor, isSlow }: ServedModel,
  rows: readonly unknown[],
  proba: boolean,
): Promise<readonly Prediction[]> {
  if (!isSlow) return await predictor.predict(rows as never, { proba });
  const gone = new AbortController();
  const leave = () => gone.abort(hasGone());
  response.once('close', leave);
  try {
    return await predictor.predict(rows as never, { proba, signal: gone.signal });
  } finally {
    response.off('close', leave);
  }
}

/** 415 for a body that is not plain JSON in UTF-8. */
function requireJson({ headers }: IncomingMessage): void {
  const [type, ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((text) => /^\s*charset="?([^"\s]*)"?\s*$/.exec(text)?.[1]).find(Boolean);
  if (type!.trim() !== 'application/json' || (charset !== undefined && charset !== 'utf-8')) {
    const given = (headers['content-type'] ?? 'none').slice(0, 60);
    throw new HttpError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      `content-type: ${given}: send application/json in UTF-8`,
    );
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HttpError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      `content-encoding: ${encoding.slice(0, 60)}: send the body as it is`,
    );
  }
}
