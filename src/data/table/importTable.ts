import { MlmlError } from '../../errors.js';
import { requireNew } from '../../storage/requireNew.js';
import type { Storage } from '../../storage/storage.js';
import {
  type ColumnMapping,
  type DateColumn,
  featureCount,
  type Missing,
  widthOf,
} from '../columns/columnMapping.js';
import { RowEncoder } from '../columns/rowEncoder.js';
import type { DatasetWriter } from '../datasetWriter.js';
import type { DatasetDescription } from '../format.js';
import { writeDataset } from '../import/writeDataset.js';
import { rowLayout } from '../rowLayout.js';
import { chooseColumns } from './chooseColumns.js';
import { trainingMeans } from './columnMeans.js';
import { withTrimmedNames } from './columnNames.js';
import { columnRoles } from './columnRoles.js';
import { type Repairs, TableEncoder } from './encodeTable.js';
import { planTableImport, requireRoomForColumns } from './planTableImport.js';
import { profileTable } from './profileTable.js';
import { RowRouter } from './rowRouter.js';
import { storedTypes } from './storedTypes.js';
import {
  labelsOf,
  type TableImportOptions,
  type TableSettings,
  tableSettings,
} from './tableImportOptions.js';
import type { TableSource } from './tableSource.js';

/**
 * Makes a data set folder of any table, in bounded memory. The table is read once to see what its columns hold and how many rows
 * of each class there are, once more for the means of the training rows where values are missing, and once to be encoded; so it
 * must be repeatable. How columns became features is kept as `columns` of the description. The caller closes the sources.
 */
export async function importTable(
  storage: Storage,
  table: TableSource,
  given: TableImportOptions,
): Promise<DatasetDescription> {
  const source = withTrimmedNames(table);
  const settings = tableSettings({ ...given, ...(given.test && { test: withTrimmedNames(given.test) }) });
  const { out, onWarning } = settings;
  await requireNew(storage, out);
  for (const table of [source, settings.test])
    if (table?.repeatable === false)
      throw new MlmlError('MLML_INTERNAL', `${table.name}: can be read once only; spool it first`);
  requireRoomForColumns(source.columns.length, settings.bufferBytes, source.name);
  const roles = columnRoles(source, settings);
  const testRoles = settings.test === undefined ? undefined : columnRoles(settings.test, settings);
  const profile = await profileTable(source, roles, settings);
  const chosen = chooseColumns(source, roles, profile, settings);
  const { task, classNames } = chosen;
  const d = featureCount(chosen.mapping);
  const names = labelsOf(settings);
  const k = task === 'classification' ? classNames.length : names.length;
  const labelNames = names.length > 1 ? { labelNames: names } : {};
  const { dtype, labelDtype } = storedTypes(chosen, profile, settings);
  const plan = planTableImport(
    d,
    names.length,
    rowLayout(d, dtype, labelDtype, names.length).rowBytes,
    settings.bufferBytes,
    source.name,
  );
  const router = (mapping: ColumnMapping, table: TableSource, part?: 'train' | 'test') => {
    const encoder = new RowEncoder(mapping, table.columns, classNames);
    const columns = table === source ? roles : testRoles!;
    return { encoder, router: new RowRouter(encoder, columns, chosen, settings, part) };
  };
  const trainPart = settings.test === undefined ? undefined : 'train';
  const filled = chosen.mapping.features.filter(
    ({ kind, column }) => (kind === 'number' || kind === 'boolean') && chosen.incomplete.has(column),
  );
  const means =
    settings.missing === 'zero' || filled.length === 0
      ? new Map<string, number>()
      : await trainingMeans(
          source,
          filled,
          router(chosen.mapping, source, trainPart).router,
          settings.signal,
        );
  const columns = withFills(chosen.mapping, ({ column }) => means.get(column));
  const name = settings.name ?? source.name;
  const dataset = { name, task, d, k, dtype, labelDtype, classNames, ...labelNames, columns };
  return await writeDataset(storage, out, dataset, async (writer) => {
    const table = new TableEncoder(writer, plan, settings.onNan);
    const train = router(columns, source, trainPart);
    await table.encode(source, train.encoder, train.router, settings.signal);
    const known = fillAll(columns, means, writer, settings);
    let leftOut = train.router.leftOut;
    if (settings.test !== undefined) {
      const test = router(known, settings.test, 'test');
      await table.encode(settings.test, test.encoder, test.router, settings.signal);
      leftOut += test.router.leftOut;
    }
    writer.setColumns(known);
    if (leftOut > 0) onWarning?.(`--on-nan=skip: ${rowsText(leftOut)} without a usable label left out`);
    const repaired = repairText(table.repairs);
    if (repaired !== undefined) onWarning?.(`--on-nan=${settings.onNan}: ${repaired}`);
    const files = [...(await source.records()), ...((await settings.test?.records()) ?? [])];
    return {
      description: `table ${source.name}, ${names.length > 1 ? 'labels' : 'label'} ${names.join(', ')}`,
      files,
    };
  });
}

/** The mapping with what stands for missing numbers and truth values; columns without an answer stay. */
function withFills(
  mapping: ColumnMapping,
  fillOf: (feature: { readonly column: string }, at: number) => number | undefined,
): ColumnMapping {
  let at = 0;
  const features = mapping.features.map((feature) => {
    const start = at;
    at += widthOf(feature);
    if (feature.kind === 'date') return { ...feature, missing: dateFills(feature, start, fillOf) };
    if (feature.kind !== 'number' && feature.kind !== 'boolean') return feature;
    const fill = fillOf(feature, start);
    return fill === undefined ? feature : { ...feature, missing: { ...feature.missing, fill } };
  });
  return { ...mapping, features };
}

/** Means of the parts of a date; where some were missing in training, an indicator tells of them and no number has to. */
function dateFills(
  { column, parts, missing }: DateColumn,
  at: number,
  fillOf: (feature: { readonly column: string }, at: number) => number | undefined,
): Missing {
  if (missing.indicator) return missing;
  const fills = parts.map((_, i) => fillOf({ column }, at + i));
  return fills.every((fill) => fill !== undefined) ? { ...missing, fills } : missing;
}

/**
 * Where no value was missing in training, the mean of the feature stands for those that may be missing in other tables.
 * It is rounded as the stored rows are.
 */
function fillAll(
  mapping: ColumnMapping,
  means: ReadonlyMap<string, number>,
  writer: DatasetWriter,
  settings: TableSettings,
): ColumnMapping {
  if (settings.missing === 'zero') return mapping;
  const { mean } = writer.statisticsSoFar();
  return withFills(mapping, ({ column }, at) => (means.has(column) ? undefined : mean[at]));
}

const rowsText = (rows: number) => `${rows} ${rows === 1 ? 'row' : 'rows'}`;

function repairText({ values, rows, first }: Repairs): string | undefined {
  if (first === '') return undefined;
  const done =
    rows > 0
      ? `${rowsText(rows)} with infinite values left out`
      : `${values} infinite ${values === 1 ? 'value' : 'values'} read as 0`;
  return `${done}; the first: ${first}`;
}
