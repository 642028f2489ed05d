import { labelCount, rowLayout } from '../../data/rowLayout.js';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { type ByteSink, fileSink } from '../byteSink.js';
import { openModelRows } from '../kernelRows.js';
import { isKernelModel, type Model } from '../saveModel.js';
import { jsonFile } from './jsonFile.js';
import type { ModelSource } from './modelSource.js';
import { npzFile } from './npz/npzFile.js';
import type { PortDescription } from './onnx/graphBuilder.js';
import { onnxFile } from './onnx/onnxFile.js';
import { type Chunks, writeParts } from './pieces.js';
import type { Precision } from './precision.js';
import { declarationFile } from './script/declarationFile.js';
import { scriptFile } from './script/scriptFile.js';

/** The formats that models are exported in. */
export const exportFormats = ['onnx', 'npz', 'json', 'js'] as const;
/** A format that models are exported in. */
export type ExportFormat = (typeof exportFormats)[number];

/** Options of `exportModel`. */
export interface ExportOptions {
  readonly format: ExportFormat;
  /** Of ONNX: type of the numbers that are stored and computed with. Default float64, in which mlml computes. */
  readonly precision?: Precision;
  readonly signal?: AbortSignal;
}

/** What an export wrote. */
export interface ExportResult {
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** Of an ONNX file. */
  readonly inputs?: readonly PortDescription[];
  readonly outputs?: readonly PortDescription[];
}

interface FileToWrite {
  readonly path: string;
  readonly parts: readonly (Uint8Array | Chunks)[];
}

/**
 * Writes a model in a format of others. Each file appears whole or not at all, in place of an older one. The rows of a kernel
 * model are streamed; the memory taken beside the model's own does not grow with them.
 *
 * @throws MlmlError `MLML_USAGE` for a model that the format cannot hold
 * @example
 * await exportModel(nodeStorage, await loadModel(nodeStorage, 'runs/mine'), 'mine.onnx', { format: 'onnx' });
 */
export async function exportModel(
  storage: Storage,
  model: Model,
  path: string,
  options: ExportOptions,
): Promise<ExportResult> {
  if (!isKernelModel(model)) return await write(storage, { kind: 'linear', model }, path, options);
  // What is exported compares whole rows.
  const { dtype, labelDtype } = model.geometry.layout;
  const layout = rowLayout(model.d, dtype, labelDtype, labelCount(model));
  const { rows, close } = await openModelRows(storage, model, layout);
  try {
    const dense = { ...model, geometry: { ...model.geometry, layout } };
    return await write(storage, { kind: 'kernel', model: dense, rows }, path, options);
  } finally {
    await close();
  }
}

async function write(
  storage: Storage,
  source: ModelSource,
  path: string,
  options: ExportOptions,
): Promise<ExportResult> {
  const { files, ...described } = contentOf(source, path, options);
  for (const { path: target } of files) {
    if ((await storage.status(target))?.isFolder)
      throw new MlmlError('MLML_EXISTS', `${target}: is a folder; give the name of a file`);
  }
  const sinks: ByteSink[] = [];
  const written: { path: string; bytes: number }[] = [];
  try {
    for (const { path: target, parts } of files) {
      const sink = await fileSink(storage, target);
      sinks.push(sink);
      written.push({ path: target, bytes: await writeParts(sink, parts, options.signal) });
    }
    for (const sink of sinks) await sink.finish();
  } catch (error) {
    for (const sink of sinks) await sink.discard();
    throw error;
  }
  return { ...described, files: written };
}

type Content = Omit<ExportResult, 'files'> & { readonly files: readonly FileToWrite[] };

function contentOf(
  source: ModelSource,
  path: string,
  { format, precision = 'float64' }: ExportOptions,
): Content {
  switch (format) {
    case 'onnx': {
      const { pieces, inputs, outputs } = onnxFile(source, precision);
      return { files: [{ path, parts: pieces }], inputs, outputs };
    }
    case 'npz':
      return { files: [{ path, parts: npzFile(source) }] };
    case 'json':
      return { files: [{ path, parts: [jsonFile(source)] }] };
    case 'js': {
      const types = { path: declarationPath(path), parts: [declarationFile(source.model)] };
      return { files: [types, { path, parts: [scriptFile(source)] }] };
    }
  }
}

/** Where TypeScript looks for the types of a module. */
function declarationPath(path: string): string {
  const found = /^(.*)\.(m?)js$/s.exec(path);
  if (found === null)
    throw new MlmlError('MLML_USAGE', `--out=${path}: the name of a module must end in .js or .mjs`);
  return `${found[1]}.d.${found[2]}ts`;
}
