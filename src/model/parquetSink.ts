import { dirname, join } from 'node:path';
import { csvToParquet, type ParquetColumn, requireParquet } from '../data/table/duckdb/csvToParquet.js';
import { ownedName } from '../storage/ownedFolder.js';
import { Scratch } from '../storage/scratch.js';
import type { Storage } from '../storage/storage.js';
import type { ByteSink } from './byteSink.js';
import { hasNames } from './classNames.js';
import { outputNames } from './outputNames.js';
import type { PredictionFile } from './predictionSink.js';
import { probabilityColumns } from './probabilities.js';

/**
 * Takes the CSV of predictions (`csvWriter`) and makes a Parquet file of it, which appears when it is whole and on the disk. The CSV
 * lies in a scratch folder beside it meanwhile: it is one more copy of the predictions on the disk, and none in memory.
 *
 * @throws MlmlError `MLML_MISSING_PACKAGE` without the optional package `@duckdb/node-api`
 */
export async function parquetSink(storage: Storage, path: string, what: PredictionFile): Promise<ByteSink> {
  const { signal, queryBytes } = what;
  await requireParquet(path, queryBytes);
  const folder = dirname(path);
  const scratch = await Scratch.open(storage, folder, 0);
  const temporary = join(folder, ownedName('new'));
  const discard = async () => {
    await scratch.close().catch(() => {});
    await storage.remove(temporary).catch(() => {});
  };
  try {
    const csv = await scratch.create('predictions.csv', {});
    let position = 0;
    return {
      async write(bytes) {
        await csv.write(bytes, position);
        position += bytes.length;
      },
      async finish() {
        await csvToParquet(storage, csv.path, temporary, columnsOf(what), {
          scratchFolder: scratch.path,
          ...(signal === undefined ? {} : { signal }),
          ...(queryBytes === undefined ? {} : { queryBytes }),
        });
        await storage.rename(temporary, path);
        await storage.syncFolder(folder);
        await scratch.close();
      },
      discard,
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** The columns of `csvWriter`. Those of Parquet have different names, whatever their capitals: ids make way, and later outputs. */
function columnsOf({ model, proba = false, idName, idType = 'text' }: PredictionFile): ParquetColumn[] {
  const others: ParquetColumn[] = [];
  // SQL does not tell capitals apart.
  const isTaken = (name: string) => others.some((other) => other.name.toLowerCase() === name.toLowerCase());
  const outputs = outputNames(model);
  if (outputs !== undefined) {
    for (let name of outputs) {
      while (isTaken(name)) name += '_';
      others.push({ name, type: 'DOUBLE' });
    }
  } else if (model.task === 'regression') others.push({ name: 'value', type: 'DOUBLE' });
  else {
    others.push({ name: 'class', type: 'INTEGER' });
    if (hasNames(model)) others.push({ name: 'name', type: 'text', neverNull: true });
    const count = proba ? probabilityColumns(model) : 0;
    for (let c = 0; c < count; c++) others.push({ name: `p${c}`, type: 'DOUBLE' });
  }
  if (idName === undefined) return [{ name: 'row', type: 'BIGINT' }, ...others];
  let name = idName;
  while (isTaken(name)) name += '_id';
  return [{ name, type: idType }, ...others];
}
