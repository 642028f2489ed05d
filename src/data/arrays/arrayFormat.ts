import { basename, extname } from 'node:path';

export type ArrayFormat = 'npy' | 'npz' | 'mat' | 'idx';

/** The format that a file name tells of, when it is one of arrays. */
export function arrayFormat(path: string): ArrayFormat | undefined {
  const extension = extname(path).toLowerCase();
  if (extension === '.npy' || extension === '.npz' || extension === '.mat')
    return extension.slice(1) as ArrayFormat;
  return /[-.]idx(\d-ubyte)?(\.gz)?$/i.test(basename(path)) ? 'idx' : undefined;
}
