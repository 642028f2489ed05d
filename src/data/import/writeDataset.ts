import type { Storage } from '../../storage/storage.js';
import { DatasetWriter, type NewDataset } from '../datasetWriter.js';
import type { DatasetDescription } from '../format.js';

/** Makes a data set folder from what `fill` appends; when anything fails, nothing is left of it. */
export async function writeDataset(
  storage: Storage,
  out: string,
  given: NewDataset,
  fill: (writer: DatasetWriter) => Promise<DatasetDescription['source']>,
): Promise<DatasetDescription> {
  const writer = await DatasetWriter.create(storage, out, given);
  try {
    return await writer.finish(await fill(writer));
  } catch (error) {
    await writer.discard();
    throw error;
  }
}
