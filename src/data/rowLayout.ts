import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';

/** How one dense row lies in a row file: d features, then the label, little-endian, without padding. */
export interface RowLayout {
  readonly d: number;
  readonly dtype: Dtype;
  readonly labelDtype: Dtype;
  readonly rowBytes: number;
  /** Byte offset of the label in a row. */
  readonly labelOffset: number;
}

export function rowLayout(d: number, dtype: Dtype, labelDtype: Dtype = dtype): RowLayout {
  const labelOffset = d * dtypeBytes[dtype];
  return { d, dtype, labelDtype, labelOffset, rowBytes: labelOffset + dtypeBytes[labelDtype] };
}
