// The part of the page that has nothing to do with the page: it runs in browsers and in Node alike.

/** Opens an exported model. `ort` is onnxruntime-web. Makes a function from the features of a row to class and probabilities. */
export async function openModel(ort, bytes) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const [input] = session.inputNames;
  return async (features) => {
    const tensor = new ort.Tensor('float32', Float32Array.from(features), [1, features.length]);
    const outputs = Object.values(await session.run({ [input]: tensor }));
    // The class is a number of a row, the probabilities are as many as there are classes.
    const probabilities = outputs.map(({ data }) => [...data].map(Number)).find((data) => data.length > 1);
    return { class: probabilities.indexOf(Math.max(...probabilities)), probabilities };
  };
}
