import { MlmlError } from '../errors.js';

const UNITS: Record<string, number> = {
  '': 1e6,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Parses `10` (megabytes of 10^6 bytes), `512KB`, `2GiB`, `0.5` into bytes. */
export function parseByteSize(text: string, option = '--buffer'): number {
  const match = /^\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match === null ? undefined : UNITS[match[2]!.toLowerCase()];
  if (match === null || unit === undefined) {
    throw new MlmlError(
      'MLML_USAGE',
      `${option}=${text}: is not a size; write megabytes (10) or a number with a unit (512KB, 2GiB)`,
    );
  }
  const bytes = Math.floor(Number(match[1]) * unit);
  if (bytes < 1 || !Number.isSafeInteger(bytes)) {
    throw new MlmlError('MLML_USAGE', `${option}=${text}: must be at least one byte and at most 9 PB`);
  }
  return bytes;
}

/** Bytes for a person: `785 bytes`, `47.1 MB`, `1.57 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 99.95 ? value.toFixed(0) : value.toPrecision(3)} ${units[unit]}`;
}
