import { MlmlError } from '../../errors.js';
import { keptAs } from './numberType.js';
import { NumericArray } from './numericArray.js';

/** All numbers of a small array, in the order in which they are stored. `MLML_BAD_FILE` for more than `most`. */
export async function allNumbers(array: NumericArray, most: number): Promise<Float64Array> {
  const count = array.rows * array.columns;
  if (count > most) {
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${array.name}: is ${array.rows} x ${array.columns}, which cannot be right`,
    );
  }
  const stored = { ...array.stored, columnOrder: false, type: keptAs(array.stored.type, 'float64') };
  const reader = new NumericArray(array.name, [count], stored).open();
  try {
    const values = new Float64Array(count);
    await reader.readRows(new Uint8Array(values.buffer), count);
    return values;
  } finally {
    await reader.close();
  }
}
