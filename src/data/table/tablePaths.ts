import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';

/** Files of one table at most. */
const MOST_FILES = 100_000;

/** The pattern as a regular expression for one name between slashes: `*`, `?`, `[a-c]`, `{a,b}`. */
function expressionOf(pattern: string): RegExp {
  const parts = pattern.replace(/[.+^$()|\\]|\*|\?|\[!|[{},]/g, (letter) => {
    if (letter === '*') return '.*';
    if (letter === '?') return '.';
    if (letter === '[!') return '[^';
    if (letter === '{') return '(?:';
    if (letter === '}') return ')';
    if (letter === ',') return pattern.includes('{') ? '|' : ',';
    return `\\${letter}`;
  });
  try {
    return new RegExp(`^${parts}$`);
  } catch (error) {
    throw new MlmlError('MLML_USAGE', `${pattern}: is no pattern of file names`, { cause: error });
  }
}

const isPattern = (text: string) => /[*?[{]/.test(text);

/**
 * The files that a path names, which may have patterns in it: `*`, `?`, `[a-c]` and `{a,b}` within a name, and the name `**` for any
 * folders. A path that is there is itself, whatever its letters. Sorted by name. None is `MLML_NOT_FOUND`.
 */
export async function tablePaths(storage: Storage, given: string): Promise<string[]> {
  if (!isPattern(given) || (await storage.status(given)) !== undefined) return [given];
  const names = given.split('/');
  let paths = [given.startsWith('/') ? '/' : ''];
  for (const [i, name] of names.entries()) {
    if (name === '') continue;
    const found: string[] = [];
    for (const path of paths) {
      if (name === '**') found.push(...(await foldersBelow(storage, path)));
      else if (!isPattern(name)) found.push(join(path, name));
      else {
        const expression = expressionOf(name);
        for (const entry of await storage.list(path === '' ? '.' : path))
          if (expression.test(entry) && (!entry.startsWith('.') || name.startsWith('.')))
            found.push(join(path, entry));
      }
      if (found.length > MOST_FILES)
        throw new MlmlError('MLML_USAGE', `${given}: names more than ${MOST_FILES} files`);
    }
    const isLast = i === names.length - 1;
    paths = [];
    for (const path of found) {
      const status = await storage.status(path === '' ? '.' : path);
      if (status !== undefined && status.isFolder !== isLast) paths.push(path);
    }
  }
  if (paths.length === 0) throw new MlmlError('MLML_NOT_FOUND', `${given}: there are no such files`);
  return [...new Set(paths)].sort();
}

async function foldersBelow(storage: Storage, folder: string): Promise<string[]> {
  const found = [folder];
  for (const entry of await storage.list(folder === '' ? '.' : folder)) {
    const path = join(folder, entry);
    if (entry.startsWith('.') || !(await storage.status(path))?.isFolder) continue;
    found.push(...(await foldersBelow(storage, path)));
    if (found.length > MOST_FILES) break;
  }
  return found;
}
