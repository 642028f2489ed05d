import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsIn } from '../../../test/support/fuzz/rowsIn.js';
import { put } from '../../../test/support/originalFiles.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { importDataset } from '../import/importDataset.js';

/*
 * What NumPy 1.24 and SciPy 1.10 write of
 *   X = numpy.arange(12.).reshape(6, 2) / 4; y = numpy.array([3, 5, 3, 5, 5, 3])
 */
const written = {
  /** numpy.savez(f, X=X, y=y) */
  'stored.npz':
    'UEsDBBQAAAAAAAAAIQDf82Ua4AAAAOAAAAAFABQAWC5ucHkBABAA4AAAAAAAAADgAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2Ny' +
    'JzogJzxmOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICg2LCAyKSwgfSAgICAgICAgICAgICAgICAgICAg' +
    'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAAAAAAAAAAADQPwAAAAAAAOA/AAAAAAAA6D8A' +
    'AAAAAADwPwAAAAAAAPQ/AAAAAAAA+D8AAAAAAAD8PwAAAAAAAABAAAAAAAAAAkAAAAAAAAAEQAAAAAAAAAZAUEsDBBQAAAAA' +
    'AAAAIQAnF4WFsAAAALAAAAAFABQAeS5ucHkBABAAsAAAAAAAAACwAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpOCcs' +
    'ICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICg2LCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg' +
    'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAwAAAAAAAAAFAAAAAAAAAAMAAAAAAAAABQAAAAAAAAAFAAAAAAAAAAMA' +
    'AAAAAAAAUEsBAhQDFAAAAAAAAAAhAN/zZRrgAAAA4AAAAAUAAAAAAAAAAAAAAIABAAAAAFgubnB5UEsBAhQDFAAAAAAAAAAh' +
    'ACcXhYWwAAAAsAAAAAUAAAAAAAAAAAAAAIABFwEAAHkubnB5UEsFBgAAAAACAAIAZgAAAP4BAAAAAA==',
  /** numpy.savez_compressed(f, X=numpy.asfortranarray(X), y=y) */
  'deflated.npz':
    'UEsDBBQAAAAIAAAAIQA/YgjkaAAAAOAAAAAFABQAWC5ucHkBABAA4AAAAAAAAABoAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxc' +
    'pG6loG6TZqGuo6Cell9UUpSYF59flJIKEg8pKk0FChdnJBakArkaZjoKRpo6CrUK5AMuBhTwwB5Cf4DSP6A0gwOEYoHSF6Di' +
    'L6D0Fyj9B0ozQdWxOQAAUEsDBBQAAAAIAAAAIQAnF4WFTgAAALAAAAAFABQAeS5ucHkBABAAsAAAAAAAAABOAAAAAAAAAJvs' +
    'F+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GmY6mjoKtQoUAC5mBghghdLo' +
    'fHRxAFBLAQIUAxQAAAAIAAAAIQA/YgjkaAAAAOAAAAAFAAAAAAAAAAAAAACAAQAAAABYLm5weVBLAQIUAxQAAAAIAAAAIQAn' +
    'F4WFTgAAALAAAAAFAAAAAAAAAAAAAACAAZ8AAAB5Lm5weVBLBQYAAAAAAgACAGYAAAAkAQAAAAA=',
  /** numpy.save(f, numpy.c_[X, y].astype('>f2')) */
  'joined.npy':
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPmYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDYsIDMpLCB9ICAg' +
    'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAADQAQgA4ADoARQA8AD0A' +
    'QgA+AD8ARQBAAECARQBBAEGAQgA=',
  /** scipy.io.savemat(f, {'A': X, 'text': 'no numbers', 'b': y}, do_compression=True) */
  'two.mat':
    'TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFdlZCBOb3YgMjUgMTU6NTI6NTggMjAy' +
    'NgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAARQAAAHic42NgYJgA' +
    'xGxAzAGlQYAVic8ExIxA6AikOYE4gQEdPLCH0B+g9A8ozeAAoVig9AWo+Aso/QVK/4HSTFB1bA4AX5kKqQ8AAAAzAAAAeJzj' +
    'Y2BgcABiNiDmAGIWBghghfIZgZgLTLMwlKRWlAhA+Xn5CnmluUmpRcUQ9QB8CwZWDwAAAC8AAAB4nONjYGBIAGI2IOYAYj4G' +
    'CGCF8hmhcoxAmASkeYDYAIiZkdQxYOGjiwMAYcYBVw==',
} as const;

for (const [name, text] of Object.entries(written)) {
  test(`${name}, as another program wrote it`, async () => {
    const storage = new MemoryStorage();
    await put(storage, `/${name}`, new Uint8Array(Buffer.from(text, 'base64')));
    const names = name === 'two.mat' ? { features: 'A', labels: 'b' } : {};
    const { classNames } = await importDataset(storage, `/${name}`, { out: '/out', percentage: 1, ...names });
    assert.deepEqual(classNames, ['3', '5']);
    const { features, labels } = await rowsIn(storage, '/out', 'train');
    assert.deepEqual(labels, [0, 1, 0, 1, 1, 0]);
    assert.deepEqual(
      features.flat(),
      Array.from({ length: 12 }, (_, i) => i / 4),
    );
  });
}
