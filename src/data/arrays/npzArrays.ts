import { MlmlError } from '../../errors.js';
import type { SourceFile } from '../import/sourceFiles.js';
import type { NamedArrays } from './namedArrays.js';
import { npyArray } from './npyArray.js';
import { entryBytes, zipEntries } from './zipEntries.js';

/** The arrays of a NumPy archive (`numpy.savez`, `numpy.savez_compressed`), by name. */
export async function npzArrays(file: SourceFile): Promise<NamedArrays> {
  const entries = new Map(
    (await zipEntries(file))
      .filter(({ name }) => name.endsWith('.npy'))
      .map((entry) => [entry.name.slice(0, -'.npy'.length), entry]),
  );
  if (entries.size === 0) throw new MlmlError('MLML_BAD_FILE', `${file.path}: holds no array of NumPy`);
  return {
    path: file.path,
    names: [...entries.keys()],
    open: async (name) => await npyArray(await entryBytes(file, entries.get(name)!)),
  };
}
