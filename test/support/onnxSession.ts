import * as ort from 'onnxruntime-web';

/** What an input of an exported model takes: numbers and their number in a row, or texts. */
export type Feed = readonly string[] | { readonly numbers: Float64Array | Float32Array; readonly d: number };

/** An exported model, in onnxruntime. */
export interface OnnxSession {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Outputs by their names: numbers, texts or (of labels that are numbers) class numbers. */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, OnnxOutput>>;
}

export interface OnnxOutput {
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

export async function openOnnx(bytes: Uint8Array): Promise<OnnxSession> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]);
      const results = await session.run(Object.fromEntries(tensors));
      const outputs = Object.entries(results).map(([name, { dims, data }]) => {
        const values = Array.from(data as ArrayLike<number | bigint | string>, (value) =>
          typeof value === 'bigint' ? Number(value) : value,
        );
        return [name, { shape: dims, values }];
      });
      return Object.fromEntries(outputs);
    },
  };
}

function tensorOf(feed: Feed): ort.Tensor {
  if (!('numbers' in feed)) return new ort.Tensor('string', [...feed], [feed.length, 1]);
  const { numbers, d } = feed;
  const shape = [numbers.length / d, d];
  return numbers instanceof Float64Array
    ? new ort.Tensor('float64', numbers, shape)
    : new ort.Tensor('float32', numbers, shape);
}
