import { createHash, type Hash } from 'node:crypto';
import { MlmlError } from '../errors.js';
import type { Storage, WritableFile } from './storage.js';

export interface DownloadOptions {
  /** Expected hash of the whole file. With it an interrupted download is resumed; without, begun anew. */
  readonly sha256?: string;
  /** Milliseconds without a byte after which a server is given up. Default 30 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Bytes so far and in all; 0 in all when the server does not say. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Tries at each address: a connection that breaks is resumed where it broke. */
const ATTEMPTS = 3;

/** What is wrong with one address; another may do. */
class AttemptError extends Error {
  /** Whether trying the same address again may help. */
  readonly again: boolean;

  constructor(message: string, again: boolean) {
    super(message);
    this.again = again;
  }
}

/**
 * Downloads a file to `path` from the first of `urls` that gives it whole. The bytes go to `path.part`, which gets
 * its name when the hash is right. `MLML_DOWNLOAD` says what went wrong at each address.
 */
export async function downloadFile(
  storage: Storage,
  urls: readonly string[],
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const reasons: string[] = [];
  for (const url of urls) {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        return await attemptDownload(storage, url, path, options);
      } catch (error) {
        if (!(error instanceof AttemptError)) throw error;
        if (error.again && attempt < ATTEMPTS) continue;
        reasons.push(`${url}: ${error.message}`);
        break;
      }
    }
  }
  throw new MlmlError('MLML_DOWNLOAD', `could not download ${path}: ${reasons.join('; ')}`);
}

async function attemptDownload(
  storage: Storage,
  url: string,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const part = `${path}.part`;
  const before = options.sha256 === undefined ? 0 : ((await storage.status(part))?.byteLength ?? 0);
  const connection = new Connection(options);
  try {
    const response = await connection.get(url, before);
    const resumes = response.status === 206 && firstByteOf(response) === before;
    if (response.status === 416 || (response.status === 206 && !resumes)) {
      await storage.remove(part);
      throw new AttemptError(`the server cannot resume at byte ${before}`, true);
    }
    if (response.status !== 200 && !resumes) {
      throw new AttemptError(`the server answered ${response.status} ${response.statusText}`.trim(), false);
    }
    const file = resumes ? await storage.openWrite(part) : await storage.create(part);
    let sha256: string;
    try {
      const hash = createHash('sha256');
      if (resumes) await hashFile(file, before, hash);
      await receive(response, connection, file, resumes ? before : 0, hash, options);
      await file.sync();
      sha256 = hash.digest('hex');
    } finally {
      await file.close();
    }
    if (options.sha256 !== undefined && sha256 !== options.sha256) {
      await storage.remove(part);
      // What was there before may be what is wrong.
      throw new AttemptError(`wrong contents (sha256 ${sha256} instead of ${options.sha256})`, resumes);
    }
    await storage.rename(part, path);
  } finally {
    connection.end();
  }
}

/** One request, with a clock that runs while nothing arrives. */
class Connection {
  readonly #controller = new AbortController();
  readonly #options: DownloadOptions;
  readonly #timeoutMs: number;
  readonly #interrupt = () => this.#controller.abort();
  #timer: NodeJS.Timeout | undefined;
  #timedOut = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    options.signal?.addEventListener('abort', this.#interrupt);
    if (options.signal?.aborted) this.#interrupt();
    this.stillAlive();
  }

  stillAlive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#controller.abort();
    }, this.#timeoutMs);
  }

  async get(url: string, from: number): Promise<Response> {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (from > 0) headers['range'] = `bytes=${from}-`;
    try {
      return await fetch(url, { headers, signal: this.#controller.signal });
    } catch (error) {
      throw this.explain(error);
    }
  }

  explain(error: unknown): Error {
    if (this.#options.signal?.aborted)
      return new MlmlError(
        'MLML_INTERRUPTED',
        'the download was interrupted; it will go on where it stopped',
      );
    if (this.#timedOut) return new AttemptError(`nothing arrived for ${this.#timeoutMs / 1000} s`, false);
    const cause = (error as { cause?: { code?: string; message?: string } }).cause;
    const refused = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'];
    const reason = cause?.code ?? cause?.message ?? (error as Error).message;
    return new AttemptError(`no connection (${reason})`, !refused.includes(String(cause?.code)));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#interrupt);
    this.#controller.abort();
  }
}

async function receive(
  response: Response,
  connection: Connection,
  file: WritableFile,
  from: number,
  hash: Hash,
  options: DownloadOptions,
): Promise<void> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  const total = announced > 0 ? from + announced : 0;
  const reader = response.body?.getReader();
  for (let position = from; reader !== undefined; ) {
    const next = await reader.read().catch((error) => {
      throw connection.explain(error);
    });
    if (next.done) {
      if (total === 0 || position === total) return;
      throw new AttemptError(`the connection ended after ${position} of ${total} bytes`, true);
    }
    connection.stillAlive();
    await file.write(next.value, position);
    hash.update(next.value);
    position += next.value.length;
    options.onProgress?.(position, total);
  }
}

/** First byte that a partial answer holds: `content-range: bytes 100-199/200`. */
function firstByteOf(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? -1);
}

async function hashFile(file: WritableFile, byteLength: number, hash: Hash): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let position = 0; position < byteLength; ) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, byteLength - position));
    await file.readInto(chunk, position);
    hash.update(chunk);
    position += chunk.length;
  }
}
