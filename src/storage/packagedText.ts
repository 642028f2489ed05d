import { readFileSync } from 'node:fs';

/** A text that the build left in `dist/`, by its path there. Source and bundle both lie two folders below. */
export function packagedText(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}
