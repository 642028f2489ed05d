import { badField, HttpError } from './httpError.js';

/** What a request to predict asks for. */
export interface PredictRequest {
  readonly rows: readonly unknown[];
  /** One row was given by itself; the answer has one prediction. */
  readonly single: boolean;
  readonly proba: boolean;
}

const LONGEST_MESSAGE = 200;
const fields = ['row', 'rows', 'proba'];

const NO_QUERY = new URLSearchParams();
/** Given whole texts, it keeps nothing between them. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The parameters behind the `?` of a path. */
export function queryOf(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = url.indexOf('?');
  if (at < 0) return { path: url, query: NO_QUERY };
  return { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}

/** Whether `?proba=` asks for probabilities; undefined when it is not there. */
export function probaOf(query: URLSearchParams): boolean | undefined {
  for (const name of query.keys())
    if (name !== 'proba') throw badField(name, `?${name}: there is no such parameter; there is proba`);
  const value = query.get('proba');
  if (value === null) return undefined;
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw badField('proba', `?proba=${value.slice(0, 40)}: must be 1 or 0`);
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0)
    throw new HttpError(
      400,
      'BAD_JSON',
      'the body is empty; send a row or rows as JSON, as GET /model describes',
    );
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new HttpError(400, 'BAD_JSON', 'the body is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).slice(0, LONGEST_MESSAGE);
    const hint = /\b(NaN|Infinity)\b/.test(reason)
      ? '; JSON has no NaN or Infinity: give null for a value that is missing'
      : '';
    throw new HttpError(400, 'BAD_JSON', `the body is not JSON: ${reason}${hint}`);
  }
}

const isScalar = (value: unknown) => typeof value !== 'object' || value === null;

/**
 * The rows of a body: `{"row": …}`, `{"rows": […]}` (both with `"proba": true` if wanted), a list of rows, or a list of numbers,
 * which is one row. What a row holds is not looked at. `asked`: what the query says of probabilities.
 */
export function parseRequest(
  bytes: Uint8Array,
  asked: boolean | undefined,
  mostRows: number,
): PredictRequest {
  const body = parseJson(bytes);
  if (Array.isArray(body)) {
    const single = body.length > 0 && body.every(isScalar);
    return limited({ rows: single ? [body] : body, single, proba: asked ?? false }, mostRows);
  }
  if (isScalar(body)) throw badField('body', 'the body must be a list, or an object with "row" or "rows"');
  const given = body as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (fields.includes(name)) continue;
    const hint = 'there are row, rows and proba; a row by column names is {"row": {…}}';
    throw badField(
      name.slice(0, 40),
      `${JSON.stringify(name.slice(0, 40))}: there is no such field; ${hint}`,
    );
  }
  const { row, rows, proba } = given;
  if ((row === undefined) === (rows === undefined)) throw badField('rows', 'give one of "row" and "rows"');
  if (proba !== undefined && typeof proba !== 'boolean')
    throw badField('proba', '"proba" must be true or false');
  if (rows !== undefined && !Array.isArray(rows)) throw badField('rows', '"rows" must be a list of rows');
  const wanted = proba ?? asked ?? false;
  if (rows === undefined) return { rows: [row], single: true, proba: wanted };
  return limited({ rows: rows as readonly unknown[], single: false, proba: wanted }, mostRows);
}

function limited(request: PredictRequest, mostRows: number): PredictRequest {
  const { length } = request.rows;
  if (length <= mostRows) return request;
  throw new HttpError(
    413,
    'TOO_LARGE',
    `${length} rows are too many; send at most ${mostRows} at a time (--max-rows)`,
  );
}
