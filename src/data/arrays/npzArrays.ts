import { MlmlError } from '../../errors.js';
import type { SourceFile } from '../import/sourceFiles.js';
import type { NamedArrays } from './namedArrays.js';
import { npyArray } from './npyArray.js';
import { entryBytes, type ZipEntry, zipEntries } from './zipEntries.js';

/** The arrays of a NumPy archive (`numpy.savez`, `numpy.savez_compressed`), by name. */
export async function npzArrays(file: SourceFile): Promise<NamedArrays> {
  const entries = new Map<string, ZipEntry>();
  for (const entry of await zipEntries(file)) {
    if (!entry.name.endsWith('.npy')) continue;
    const name = entry.name.slice(0, -'.npy'.length);
    if (entries.has(name))
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${file.path}: holds two arrays called ${JSON.stringify(name.slice(0, 100))}, and nothing tells which is meant; save the archive anew`,
      );
    entries.set(name, entry);
  }
  if (entries.size === 0) throw new MlmlError('MLML_BAD_FILE', `${file.path}: holds no array of NumPy`);
  return {
    path: file.path,
    names: [...entries.keys()],
    open: async (name) => await npyArray(await entryBytes(file, entries.get(name)!)),
  };
}
