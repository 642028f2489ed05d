import { basename, resolve } from 'node:path';
import { MlmlError } from '../errors.js';
import { formatBytes } from '../memory/byteSize.js';
import { coarseInputs } from '../model/export/coarseInputs.js';
import { type ExportFormat, exportFormats, exportModel } from '../model/export/exportModel.js';
import type { PortDescription } from '../model/export/onnx/graphBuilder.js';
import type { Precision } from '../model/export/precision.js';
import { loadModel } from '../model/loadModel.js';
import { ProgressReporter } from '../run/progressReporter.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';

/** `mlml export`: writes a model in a format that other programs read. */
export async function exportVerb(context: CommandContext, given: Arguments): Promise<void> {
  const { storage } = context.services;
  const [path, ...rest] = given.positionals;
  if (path === undefined || rest.length > 0) {
    throw new MlmlError('MLML_USAGE', 'export takes one model; see mlml export --help');
  }
  const format = chosenFormat(given);
  const precision = given.text('precision') as Precision | undefined;
  if (precision !== undefined && format !== 'onnx')
    throw new MlmlError(
      'MLML_USAGE',
      `--precision=${precision}: only --onnx has it; the others keep all digits`,
    );
  const out = given.text('out') ?? `${modelName(path)}.${format}`;
  const model = await loadModel(storage, path);
  if (precision === 'float32') warnOfRounding(context, coarseInputs(model));
  const { signal } = context;
  const options = { format, signal, ...(precision === undefined ? {} : { precision }) };
  const { files, inputs = [], outputs = [] } = await exportModel(storage, model, out, options);
  const lines = [
    ...files.map(({ path: file, bytes }) => `${file}: ${formatBytes(bytes)}`),
    ...inputs.map((port) => `  takes  ${portText(port)}`),
    ...outputs.map((port) => `  gives  ${portText(port)}`),
  ];
  await context.stdout.write(`${lines.join('\n')}\n`);
}

function warnOfRounding(context: CommandContext, features: readonly string[]): void {
  const [first, ...others] = features;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const reporter = new ProgressReporter({ stream: context.stderr, clock: context.clock, quiet: true });
  reporter.warn(
    `feature ${first}${more}: float32 rounds its values to more than a thousandth of their standard deviation; without --precision=float32 predictions stay what they are`,
  );
  reporter.end();
}

function chosenFormat(given: Arguments): ExportFormat {
  const chosen = exportFormats.filter((format) => given.flag(format));
  if (chosen.length === 1) return chosen[0]!;
  const all = exportFormats.map((format) => `--${format}`).join(', ');
  const what = chosen.length === 0 ? 'say which format' : 'choose one format';
  throw new MlmlError('MLML_USAGE', `export: ${what}: ${all}`);
}

/** What to call a file made from a model: `runs/mine` and `runs/mine/model` are both `mine`. */
function modelName(path: string): string {
  const folder = resolve(path);
  return basename(basename(folder) === 'model' ? resolve(folder, '..') : folder) || 'model';
}

/** `features: float64 [rows, 784]` */
function portText({ name, type, shape }: PortDescription): string {
  const shown = /^[\w.-]+$/.test(name) ? name : JSON.stringify(name);
  return `${shown}: ${type} [${shape.join(', ')}]`;
}
