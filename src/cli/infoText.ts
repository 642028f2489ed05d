import type { DatasetDescription, SparseSizes } from '../data/format.js';
import { layoutOf } from '../data/rowLayout.js';
import { kernelName } from '../kernel/functions/kernelName.js';
import { formatBytes } from '../memory/byteSize.js';
import type { KernelModelDescription } from '../model/kernelModelFormat.js';
import type { ModelDescription } from '../model/modelFormat.js';
import { crossValidationWords } from '../run/crossValidationTable.js';
import { formatCount, formatSeconds, ofOutputs } from '../run/numbers.js';
import type { RunDescription } from '../run/runFolder.js';
import type { Resumable } from '../run/savedProgress.js';
import type { Score, TrainSummary } from '../run/summary.js';

const field = (name: string, value: string) => `${name.padEnd(11)} ${value}`;

function denseSize(description: DatasetDescription): string[] {
  const { d, dtype, labelDtype, parts } = description;
  const { rowBytes, labels } = layoutOf(description);
  const label = labels === 1 ? 'label' : `${labels} labels`;
  return [
    field(
      'features',
      `${formatCount(d)} of ${dtype}, ${label} ${labelDtype}, ${formatBytes(rowBytes)} a row`,
    ),
    field('size', formatBytes((parts.train.n + parts.test.n) * rowBytes)),
  ];
}

function sparseSize({ d, dtype, parts }: DatasetDescription, { train, test }: SparseSizes): string[] {
  const each = (train.nonzeros + test.nonzeros) / (parts.train.n + parts.test.n);
  return [
    field('features', `${formatCount(d)} of ${dtype}, sparse: ${each.toPrecision(3)} a row are not 0`),
    field('size', formatBytes(train.bytes + test.bytes)),
  ];
}

/** `, 2 outputs: price, rent`; nothing with one. */
function outputsText(names: readonly string[] | undefined): string {
  if (names === undefined) return '';
  const some = names.slice(0, 10).join(', ');
  return `, ${names.length} outputs: ${some}${names.length > 10 ? ', …' : ''}`;
}

/** A data set, in words. */
export function datasetText(description: DatasetDescription, path: string): string {
  const { name, task, k, parts, classCounts, classNames, labelNames, image } = description;
  const lines = [
    field('data set', `${name} (${path})`),
    field(
      'task',
      task === 'classification' ? `classification, ${k} classes` : `regression${outputsText(labelNames)}`,
    ),
    field('rows', `${formatCount(parts.train.n)} for training, ${formatCount(parts.test.n)} for testing`),
    ...(description.sparse === undefined
      ? denseSize(description)
      : sparseSize(description, description.sparse)),
  ];
  if (image !== undefined)
    lines.push(field('images', `${image.height} x ${image.width} x ${image.channels}`));
  if (classCounts.length > 0 && classCounts.length <= 20) {
    const counts = classCounts.map((count, c) => `${classNames[c] ?? c}: ${formatCount(count)}`);
    lines.push(field('classes', counts.join(', ')));
  }
  lines.push(field('source', description.source.description), field('fingerprint', description.fingerprint));
  return `${lines.join('\n')}\n`;
}

/** Where a kernel model finds the rows it compares with. */
function rowsText({ rows, n }: KernelModelDescription): string {
  if (rows.kind === 'file') return `copied into the model (${rows.path})`;
  const which = rows.selected ? `${formatCount(n)} chosen ones` : `the first ${formatCount(n)}`;
  return `${which} of the training rows in ${rows.path}`;
}

/** A model, in words. */
export function modelText(model: ModelDescription, path: string): string {
  const { task, d, k, scaling, classNames, fingerprint, weights } = model;
  const bytes = formatBytes(weights.bytes);
  const lines =
    model.kind === 'kernel'
      ? [
          field('model', `kernel (${path})`),
          field('task', task),
          field('kernel', kernelName(model.kernel)),
          field('reg', String(model.regularization)),
          field('weights', `${formatCount(model.n)} rows x ${k} scores, ${bytes}`),
          field('rows', rowsText(model)),
        ]
      : [
          field('model', `linear (${path})`),
          field('task', task),
          field('loss', model.loss),
          field('weights', `${formatCount(d)} features x ${k} scores, ${bytes}`),
        ];
  lines.push(field('scaling', scaling));
  if (classNames.length > 0) lines.push(field('classes', classNames.join(', ')));
  if (model.labelNames !== undefined) lines.push(field('outputs', model.labelNames.join(', ')));
  lines.push(field('trained on', `data of fingerprint ${fingerprint}`));
  if (model.calibration !== undefined) {
    const { method, rows } = model.calibration;
    lines.push(field('calibrated', `${method} curves fitted on ${formatCount(rows)} rows`));
  }
  return `${lines.join('\n')}\n`;
}

function scoreText(score: Score): string {
  const { outputs, ...figures } = { outputs: undefined, ...score };
  const text = Object.entries(figures)
    // What is no number was written as null.
    .map(([name, value]) => `${name} ${(value ?? Number.NaN).toPrecision(4)}`)
    .join(', ');
  return outputs === undefined ? text : `${text}${ofOutputs(outputs.length)}`;
}

function goOnLines({ command, process, saved, damaged = [] }: Resumable): string[] {
  const all = saved !== undefined && saved.total > 0 ? ` of ${formatCount(saved.total)}` : '';
  return [
    field(
      'saved',
      saved === undefined
        ? damaged.length > 0
          ? 'nothing that can be used'
          : 'nothing yet'
        : `after ${formatCount(saved.done)}${all} ${saved.unit}`,
    ),
    ...damaged.map((sentence) => field('warning', sentence)),
    process === undefined ? field('to go on', command) : field('busy', `process ${process} works on it`),
  ];
}

/** A run, in words. */
export function runText(run: RunDescription, path: string, goOn?: Resumable): string {
  const dataset = run.dataset as { readonly name?: string; readonly path?: string };
  const result = run.result as Partial<TrainSummary> | undefined;
  const lines = [
    field('run', path),
    field(
      'status',
      run.error === undefined ? run.status : `${run.status}: ${run.error.code}: ${run.error.message}`,
    ),
    field('command', `mlml ${(run.command ?? []).join(' ')}`),
    field('data set', `${dataset?.name} (${dataset?.path})`),
    field('started', run.started),
  ];
  if (run.ended !== undefined) lines.push(field('ended', run.ended));
  if (goOn !== undefined) lines.push(...goOnLines(goOn));
  if (result?.seconds !== undefined) lines.push(field('time', formatSeconds(result.seconds)));
  if (result?.test) lines.push(field('test', scoreText(result.test)));
  if (result?.train) lines.push(field('train', scoreText(result.train)));
  const best = result?.crossValidation?.[0];
  if (best?.mean) lines.push(field('folds', crossValidationWords(best)));
  if (result?.model !== undefined) lines.push(field('model', result.model));
  if (run.log !== undefined) lines.push(field('log', run.log));
  return `${lines.join('\n')}\n`;
}
