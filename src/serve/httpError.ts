import { MlmlError, oneLine } from '../errors.js';
import { RowError } from '../model/predictor/rowError.js';

/** A request that is not answered with what it asked for. */
export class HttpError extends Error {
  readonly status: number;
  /** One of src/errors.ts where it is an error of the model, else a word of HTTP. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Where in the request it is: `row`, `column`, `value`, `field`. */
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    status: number,
    code: string,
    message: string,
    { headers = {}, details = {} }: Partial<Pick<HttpError, 'headers' | 'details'>> = {},
  ) {
    super(oneLine(message));
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.details = details;
  }
}

/** 400 for a field of the request. */
export function badField(field: string, message: string): HttpError {
  return new HttpError(400, 'BAD_REQUEST', message, { details: { field } });
}

/** 503 while there is no memory left for a request; another may succeed in a second. */
export function busy(message: string): HttpError {
  return new HttpError(503, 'BUSY', message, { headers: { 'retry-after': '1' } });
}

/** What is answered for anything that was thrown; 500 tells nothing of the inside. */
export function httpErrorOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof RowError) {
    const { code, message, row, column, value } = error;
    const details = {
      row,
      ...(column === undefined ? {} : { column }),
      ...(value === undefined ? {} : { value }),
    };
    return new HttpError(400, code, message, { details });
  }
  if (error instanceof MlmlError && error.code === 'MLML_USAGE')
    return new HttpError(400, error.code, error.message);
  return new HttpError(500, 'MLML_INTERNAL', 'the prediction failed; the log of the server says why');
}
