import { MlmlError } from '../../../errors.js';
import { formatBytes } from '../../../memory/byteSize.js';

/** How the values of a line are told apart. */
export interface Dialect {
  /** One ASCII character. */
  readonly delimiter: string;
  /** Bytes before the first row: byte order mark and header. */
  readonly skippedBytes: number;
  /** Lines before the first row. */
  readonly skippedLines: number;
  readonly columns: readonly string[];
}

export interface DialectOptions {
  /** Default: found out, among comma, semicolon, tab and bar. */
  readonly delimiter?: string;
  /** Whether the first line names the columns. Default true. Without, they are column1, column2, … */
  readonly header?: boolean;
  /** Whether there may be a single column. Default false. */
  readonly oneColumn?: boolean;
  readonly onWarning?: (message: string) => void;
}

const CANDIDATES = [',', ';', '\t', '|'];
/** Rows by which the delimiter is found out. */
const SNIFFED_ROWS = 20;
const UTF8_MARK = [0xef, 0xbb, 0xbf];

/** Throws `MLML_USAGE` for what cannot be a delimiter. `\t` and `tab` are a tab. */
export function checkDelimiter(given: string): string {
  const delimiter = given === '\\t' || given.toLowerCase() === 'tab' ? '\t' : given;
  if (/^[\t\x20-\x7e]$/.test(delimiter) && !/^["\w.+-]$/.test(delimiter)) return delimiter;
  throw new MlmlError('MLML_USAGE', `--delimiter=${given}: must be one character such as , ; | or tab`);
}

interface Row {
  readonly fields: readonly string[];
  /** Offset behind its line break. */
  readonly end: number;
  /** Line breaks up to there. */
  readonly lines: number;
}

/** The row that starts at an offset of a text, after empty lines; undefined where it does not end in it. */
function rowAt(text: string, from: number, delimiter: string, isWhole: boolean): Row | undefined {
  let at = from;
  let lines = 0;
  for (; text[at] === '\n' || (text[at] === '\r' && text[at + 1] === '\n'); lines++)
    at += text[at] === '\n' ? 1 : 2;
  const fields: string[] = [];
  let field = '';
  /** Where the piece begins that is not in `field` yet: letters that were added one by one would each take an object. */
  let piece = at;
  let inQuotes = false;
  const take = (end: number, next: number) => {
    field += text.slice(piece, end);
    piece = next;
  };
  for (let start = true; ; at++) {
    const letter = text[at];
    if (
      letter === undefined &&
      (inQuotes || !isWhole || (fields.length === 0 && piece === at && field === ''))
    )
      return undefined;
    if (inQuotes) {
      if (letter === '\n') lines++;
      if (letter !== '"') continue;
      if (text[at + 1] === '"') take(at + 1, at++ + 2);
      else {
        take(at, at + 1);
        inQuotes = false;
      }
    } else if (start && letter === '"') {
      inQuotes = true;
      start = false;
      piece = at + 1;
    } else if (letter === delimiter) {
      take(at, at + 1);
      fields.push(field);
      field = '';
      start = true;
    } else if (letter === '\n' || letter === undefined) {
      take(at, at);
      fields.push(field.endsWith('\r') ? field.slice(0, -1) : field);
      return { fields, end: letter === undefined ? at : at + 1, lines: lines + 1 };
    } else start = false;
  }
}

/** Finds the columns of delimited text from its first bytes, `isWhole` when they are all of it. */
export function dialectOf(
  head: Uint8Array,
  isWhole: boolean,
  name: string,
  { delimiter: given, header = true, oneColumn = false, onWarning }: DialectOptions,
): Dialect {
  const bad = (what: string) => new MlmlError('MLML_BAD_DATA', `${name}: ${what}`);
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff))
    throw bad('is UTF-16 text; save it as UTF-8');
  const marked = UTF8_MARK.every((byte, i) => head[i] === byte) ? 3 : 0;
  if (head.indexOf(0) >= 0) throw bad(`byte ${head.indexOf(0)} is zero: this is no text`);
  // Letter by letter, so that offsets in the text are those in the file.
  const text = new TextDecoder('latin1').decode(head.subarray(marked));
  const delimiter = given ?? sniff(text, isWhole);
  const first = rowAt(text, 0, delimiter, isWhole);
  if (first === undefined)
    throw bad(
      isWhole && text.trim() === ''
        ? 'is empty; a pipe is read as -'
        : isWhole
          ? 'line 1: a quote in it is not closed'
          : `line 1: has no end in the first ${formatBytes(head.length)}; if it is a row, give a larger --buffer, else a quote in it may not be closed`,
    );
  const { fields } = first;
  if (fields.some((field) => /\r(?!\n)/.test(field)))
    throw bad(
      `line ${first.lines}: holds carriage returns (\\r) without line feeds; if they end its lines, convert the file, with tr '\\r' '\\n' for one`,
    );
  if (fields.length < 2 && !oneColumn)
    throw bad(
      `line ${first.lines}: has no ${JSON.stringify(delimiter)} between columns; give --delimiter if they are told apart otherwise (one column alone is no table to learn from)`,
    );
  if (!header)
    return {
      delimiter,
      skippedBytes: marked,
      skippedLines: 0,
      columns: fields.map((_, i) => `column${i + 1}`),
    };
  const columns = fields.map((field, i) => {
    const column = utf8(field);
    if (column === undefined) throw bad(`line ${first.lines}: the name of column ${i + 1} is not UTF-8`);
    return column.trim() === '' ? `column${i + 1}` : column.trim();
  });
  const seen = new Set<string>();
  const twice = columns.find((column) => seen.size === seen.add(column).size);
  if (twice !== undefined)
    throw bad(
      `line ${first.lines}: two columns are called ${JSON.stringify(twice)}; rename one, or give --no-header if this is no header`,
    );
  if (fields.every((field) => /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(field)))
    onWarning?.(
      `${name}: the names of the columns in the first line are all numbers; --no-header takes it for a row`,
    );
  return { delimiter, skippedBytes: marked + first.end, skippedLines: first.lines, columns };
}

function utf8(latin1: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(latin1, (letter) => letter.charCodeAt(0)),
    );
  } catch {
    return undefined;
  }
}

/** The delimiter that divides the first rows into the same number of fields, the more the better; else the commonest in the first. */
function sniff(text: string, isWhole: boolean): string {
  let best = ',';
  let bestScore = 0;
  for (const delimiter of CANDIDATES) {
    const counts: number[] = [];
    for (let at = 0; counts.length < SNIFFED_ROWS; ) {
      const row = rowAt(text, at, delimiter, isWhole);
      if (row === undefined) break;
      counts.push(row.fields.length);
      at = row.end;
    }
    const [first = 1] = counts;
    const same = counts.every((count) => count === first);
    const score = first < 2 ? 0 : same ? 1e6 + first : first;
    if (score > bestScore) [best, bestScore] = [delimiter, score];
  }
  return best;
}
