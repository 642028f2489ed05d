import { MlmlError } from '../../errors.js';
import type { SourceFile, SourceFiles } from '../import/sourceFiles.js';
import { arrayFormat } from './arrayFormat.js';
import { bytesOfFile } from './byteSource.js';
import { idxArray } from './idxArray.js';
import { matlabArrays } from './matlabArrays.js';
import type { NamedArrays } from './namedArrays.js';
import { npyArray } from './npyArray.js';
import { npzArrays } from './npzArrays.js';
import type { NumericArray } from './numericArray.js';

/** A file of one array, or one whose arrays have names. */
export type ArrayFile = { readonly array: NumericArray } | { readonly named: NamedArrays };

/** Opens a file of arrays; `arrayFormat` knows its name. */
export async function openArrayFile(sources: SourceFiles, path: string): Promise<ArrayFile> {
  const file: SourceFile = await sources.open(path);
  switch (arrayFormat(path)) {
    case 'npy':
      return { array: await npyArray(bytesOfFile(file)) };
    case 'idx':
      return { array: await idxArray(file) };
    case 'npz':
      return { named: await npzArrays(file) };
    case 'mat':
      return { named: await matlabArrays(file) };
    default:
      throw new MlmlError(
        'MLML_USAGE',
        `${path}: is no file of arrays: .npy, .npz, .mat, or idx (a name ending in idx3-ubyte, idx1-ubyte or .idx, also with .gz)`,
      );
  }
}
