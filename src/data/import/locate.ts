import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Storage } from '../../storage/storage.js';
import type { LocatedFiles, RawSet } from './rawSet.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where downloads are kept for all projects of a user: `$XDG_CACHE_HOME/mlml` or `~/.cache/mlml`. */
export function cacheFolder(environment: Environment = process.env): string {
  const base = environment['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'mlml');
}

/**
 * Folders in which the original files of a data set are looked for, first to last: `<dir>/<name>` and `<dir>` for
 * dir in --data-dir, $MLML_DATA, ./data and the cache folder.
 */
export function rawFolders(name: string, dataDir?: string, environment: Environment = process.env): string[] {
  const bases = [dataDir, environment['MLML_DATA'], 'data', cacheFolder(environment)];
  const folders: string[] = [];
  for (const base of bases) {
    if (base === undefined || base === '') continue;
    for (const folder of [join(base, name), join(base)]) if (!folders.includes(folder)) folders.push(folder);
  }
  return folders;
}

/** Looks for a complete layout in one folder. `onPartial` hears of folders in which only some files lie. */
export async function locateIn(
  storage: Storage,
  set: RawSet,
  folder: string,
  onPartial: (message: string) => void = () => {},
): Promise<LocatedFiles | undefined> {
  const partial: string[] = [];
  for (const layout of set.layouts) {
    const place = layout.subfolder === undefined ? folder : join(folder, layout.subfolder);
    const { files, missing } = layout.find(await storage.list(place));
    if (missing.length === 0) return { layout: layout.id, paths: files.map((file) => join(place, file)) };
    if (files.length > 0) {
      partial.push(
        `${place}: has ${files.join(', ')} but not ${missing.join(', ')}; looking elsewhere for ${set.name}`,
      );
    }
  }
  for (const message of partial) onPartial(message);
  return undefined;
}

/** The first folder with a complete layout. */
export async function locateRawFiles(
  storage: Storage,
  set: RawSet,
  folders: readonly string[],
  onPartial?: (message: string) => void,
): Promise<LocatedFiles | undefined> {
  for (const folder of folders) {
    const located = await locateIn(storage, set, folder, onPartial);
    if (located !== undefined) return located;
  }
  return undefined;
}
