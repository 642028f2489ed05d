import type { Cell, DatePart } from './columnMapping.js';

/** Words that a table may have for a missing value; undefined: the usual ones. In small letters. */
export type MissingWords = ReadonlySet<string> | undefined;

/** Those of a mapping. */
export function missingWords({
  missingValues,
}: {
  readonly missingValues?: readonly string[];
}): MissingWords {
  return missingValues && new Set(missingValues.map((word) => word.trim().toLowerCase()));
}

/** Whether a value counts as missing: nothing, the empty text, or one of the words for it. */
export function isMissing(cell: Cell, words?: MissingWords): boolean {
  if (cell === null || cell === undefined) return true;
  if (cell === '') return true;
  if (typeof cell === 'number') return Number.isNaN(cell);
  if (typeof cell !== 'string') return false;
  if (words === undefined) return /^\s*(|na|n\/a|nan|null|none|\?)\s*$/i.test(cell);
  const text = cell.trim();
  return text === '' || words.has(text.toLowerCase());
}

/** Whether some words for a missing value are dates, so that a time alone does not tell whether a value is there. */
export function areDatesAmong(words: MissingWords): boolean {
  return words !== undefined && [...words].some((word) => timeOf(word) !== undefined);
}

/** A number, or undefined when it is none. Infinities are numbers; NaN is a missing value and none. */
export function numberOf(cell: Cell): number | undefined {
  if (typeof cell === 'number') return Number.isNaN(cell) ? undefined : cell;
  if (typeof cell === 'bigint' || typeof cell === 'boolean') return Number(cell);
  if (cell instanceof Date) return numberOf(cell.getTime() / 1000);
  if (typeof cell !== 'string') return undefined;
  const text = cell.trim();
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  const infinite = /^([-+]?)inf(inity)?$/i.exec(text);
  return infinite === null ? undefined : infinite[1] === '-' ? -Infinity : Infinity;
}

/** 1 or 0, or undefined for what is neither. */
export function booleanOf(cell: Cell): 0 | 1 | undefined {
  if (typeof cell === 'boolean') return cell ? 1 : 0;
  if (typeof cell === 'number' || typeof cell === 'bigint') {
    const number = Number(cell);
    return number === 0 || number === 1 ? number : undefined;
  }
  if (typeof cell !== 'string') return undefined;
  const word = cell.trim().toLowerCase();
  if (/^(true|yes|t|y|on|1)$/.test(word)) return 1;
  return /^(false|no|f|n|off|0)$/.test(word) ? 0 : undefined;
}

const DATE =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[-+]\d{2}(?::?\d{2})?)?)?$/i;

/** Milliseconds since 1970 UTC of an ISO 8601 date or date and time (UTC without a zone); undefined for what is none. */
export function timeOf(cell: Cell): number | undefined {
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? undefined : cell.getTime();
  if (typeof cell !== 'string') return undefined;
  const found = DATE.exec(cell.trim());
  if (found === null) return undefined;
  const [year, month, day] = found.slice(1, 4).map(Number) as [number, number, number];
  const [hour, minute, second] = found.slice(4, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
  ];
  const milliseconds = found[7] === undefined ? 0 : Number(`0.${found[7]}`) * 1000;
  if (month < 1 || month > 12 || hour > 24 || minute > 59 || second > 60) return undefined;
  if (day < 1 || day > new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()) return undefined;
  const zone = /^([-+])(\d{2}):?(\d{2})?$/.exec(found[8] ?? '');
  const ahead =
    zone === null ? 0 : (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3] ?? 0));
  const date = new Date(0);
  // Not Date.UTC, which takes years below 100 for those of the last century.
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() + ((hour * 60 + minute - ahead) * 60 + second) * 1000 + milliseconds;
}

const DAY = 86_400_000;

/**
 * Writes parts of a time (milliseconds since 1970, UTC) at `target[at …)`. weekday: 0 is Monday. epoch: seconds. The calendar is
 * counted in days from a 1st of March (Hinnant, chrono-compatible low-level date algorithms, 2013): a `Date` for each value would cost
 * more than all the rest of reading it.
 */
export function writeDateParts(
  time: number,
  parts: readonly DatePart[],
  target: Float64Array | Float32Array,
  at: number,
): void {
  // What is left of a millisecond is cut off, as `Date` does.
  const whole = Math.trunc(time);
  const days = Math.floor(whole / DAY);
  const seconds = Math.floor((whole - days * DAY) / 1000);
  const sinceMarch = days + 719_468;
  const era = Math.floor(sinceMarch / 146_097);
  const ofEra = sinceMarch - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  for (let i = 0; i < parts.length; i++) {
    let value: number;
    switch (parts[i]!) {
      case 'year':
        value = yearOfEra + era * 400 + (month < 10 ? 0 : 1);
        break;
      case 'month':
        value = month < 10 ? month + 3 : month - 9;
        break;
      case 'day':
        value = ofYear - Math.floor((153 * month + 2) / 5) + 1;
        break;
      case 'weekday':
        // 1970-01-01 was a Thursday.
        value = (((days + 3) % 7) + 7) % 7;
        break;
      case 'hour':
        value = Math.floor(seconds / 3600);
        break;
      case 'minute':
        value = Math.floor(seconds / 60) % 60;
        break;
      case 'second':
        value = seconds % 60;
        break;
      case 'epoch':
        value = time / 1000;
    }
    target[at + i] = value;
  }
}

/** The text by which a value is compared with category names and hashed: trimmed; numbers and dates as JSON writes them. */
export function textOf(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  const isTime = cell instanceof Date && !Number.isNaN(cell.getTime());
  return isTime ? cell.toISOString() : String(cell).trim();
}

/** The name of the class of a label: its text, but 1 for 1.0, as some write whole numbers. */
export function classNameOf(cell: Cell): string {
  const text = textOf(cell);
  return /^(-?(?:0|[1-9]\d{0,14}))\.0*$/.exec(text)?.[1] ?? text;
}

/** The words of a text: lower-case runs of letters, marks and digits. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}
