import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { downloadFile } from '../../storage/download.js';
import type { Storage } from '../../storage/storage.js';
import type { ImportOptions } from './importOptions.js';
import type { RawSet } from './rawSet.js';

/**
 * Downloads a set's public files into `folder`; those already there are kept. Without a network the error names the
 * files to get by hand and where to put them.
 */
export async function fetchRawFiles(
  storage: Storage,
  set: RawSet,
  folder: string,
  options: Pick<ImportOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  for (const { name, urls, sha256 } of set.publicFiles) {
    const path = join(folder, name);
    if ((await storage.status(path)) !== undefined) continue;
    try {
      await downloadFile(storage, urls, path, {
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        onProgress: (done, total) => options.onProgress?.({ phase: 'download', what: name, done, total }),
      });
    } catch (error) {
      if (!(error instanceof MlmlError) || error.code !== 'MLML_DOWNLOAD') throw error;
      throw new MlmlError(
        'MLML_DOWNLOAD',
        `${set.name}: its original files were not found, and ${error.message}. ` +
          `Put ${listOf(set)} into ./data/${set.name} or any folder given with --data-dir, ` +
          'or try the built-in data set: mlml ssgd digits',
        { cause: error },
      );
    }
  }
}

function listOf(set: RawSet): string {
  return set.publicFiles.map((file) => file.name).join(', ');
}
