/**
 * Opens a classifier exported by `mlml export --onnx --precision=float32`.
 * `ort` is onnxruntime-web, `model` the address of the file or its bytes.
 */
export async function openClassifier(ort, model) {
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  return {
    /** The class of one row of features, which are as they were in the training data, and the probabilities of all classes. */
    async classify(features) {
      const input = new ort.Tensor('float32', Float32Array.from(features), [1, features.length]);
      const { label, probabilities } = await session.run({ features: input });
      return { label: Number(label.data[0]), probabilities: [...probabilities.data] };
    },
  };
}

/** The brightness of 28 x 28 squares of a square picture of any size: white on black, as the training data. */
export function shrink({ data, width }) {
  const side = width / 28;
  return Array.from({ length: 784 }, (_, square) => {
    const top = Math.floor(square / 28) * side;
    const left = (square % 28) * side;
    let sum = 0;
    for (let y = top; y < top + side; y++) for (let x = left; x < left + side; x++) sum += data[4 * (y * width + x)];
    return sum / side ** 2;
  });
}
