import { join } from 'node:path';
import { MlmlError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import { readJson } from '../storage/textFile.js';
import { checkDescription, type DatasetDescription, DESCRIPTION_FILE } from './format.js';
import { RowFile } from './rowFile.js';
import { type RowLayout, rowLayout } from './rowLayout.js';

/** An open data set: its description and its two row files. */
export interface Dataset {
  readonly description: DatasetDescription;
  /** The folder it lies in; for raw row files, the path of the training file. */
  readonly path: string;
  readonly layout: RowLayout;
  readonly train: RowFile;
  readonly test: RowFile;
  close(): Promise<void>;
}

/** Opens a data set folder; sizes are checked, contents are not (see `verifyDataset`). */
export async function openDataset(storage: Storage, folder: string): Promise<Dataset> {
  const path = join(folder, DESCRIPTION_FILE);
  if ((await storage.status(path)) === undefined) {
    throw new MlmlError(
      'MLML_NOT_FOUND',
      `${folder}: is not a data set folder (there is no ${DESCRIPTION_FILE} in it)`,
    );
  }
  const description = checkDescription(await readJson(storage, path), path);
  const layout = rowLayout(description.d, description.dtype, description.labelDtype);
  const open = (part: 'train' | 'test') =>
    RowFile.open(
      storage,
      layout,
      description.parts[part].shards.map(({ file, rows }) => ({ path: join(folder, file), rows })),
      part,
    );
  const train = await open('train');
  const test = await open('test').catch(async (error) => {
    await train.close();
    throw error;
  });
  return {
    description,
    path: folder,
    layout,
    train,
    test,
    async close() {
      await train.close();
      await test.close();
    },
  };
}
