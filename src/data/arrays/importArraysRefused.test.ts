import assert from 'node:assert/strict';
import { test } from 'node:test';
import { npyFile, npzFile } from '../../../test/support/arrayFiles.js';
import { D, type Files, imported, N, whole, X, y } from '../../../test/support/arrayImports.js';
import type { ImportOptions } from '../import/importOptions.js';

test('what does not fit together is refused in one line', async () => {
  const x = npyFile('<f8', [N, D], X);
  const labels = npyFile('<i8', [N], y);
  const cases: [Files, string, Partial<ImportOptions>, string, RegExp][] = [
    [
      { 'X.npy': x, 'y.npy': npyFile('<i8', [N - 1], y.slice(1)) },
      'X.npy',
      { labels: '/in/y.npy' },
      'MLML_BAD_FILE',
      /has 59 labels, but .*X.npy has 60 rows/,
    ],
    [
      { 'X.npy': x, 'y.npy': npyFile('<i8', [N / 2, 2], y) },
      'X.npy',
      { labels: '/in/y.npy' },
      'MLML_BAD_FILE',
      /has the shape \(30, 2\); labels are one number/,
    ],
    [
      { 'X.npy': x, 'y.npy': labels },
      'X.npy',
      { labels: '/in/y.npy', labelColumn: 1 },
      'MLML_USAGE',
      /--label-column=1: not with --labels/,
    ],
    [
      { 'x.npz': npzFile({ X: x }, {}) },
      'x.npz',
      {},
      'MLML_USAGE',
      /x.npz: has no array of labels with a usual name \(y, Y, labels, …\); name it with --labels=.*--label-column=-1 .* last column of X; it holds X$/,
    ],
    [{ 'X.npy': x }, 'X.npy', { labelColumn: 3 }, 'MLML_USAGE', /--label-column=3: .*has columns 0 to 2/],
    [{ 'X.npy': x }, 'X.npy', { features: 'X' }, 'MLML_USAGE', /--features=X: .* holds a single array/],
    [
      { 'X.npy': x, 'y.txt': labels },
      'X.npy',
      { labels: '/in/y.txt' },
      'MLML_USAGE',
      /y.txt: is no file of arrays/,
    ],
    [{ 'X.npy': x }, 'X.npy', { labels: '/in/none.npy' }, 'MLML_NOT_FOUND', /none.npy/],
    [
      { 'X.npy': x, 'y.npy': labels },
      'X.npy',
      { labels: '/in/y.npy', testFile: '/in/X.npy' },
      'MLML_USAGE',
      /give its labels with --test-labels/,
    ],
    [
      { 'X.npy': x, 'y.npy': labels },
      'X.npy',
      { testLabels: '/in/y.npy' },
      'MLML_USAGE',
      /--test-labels=.* needs --test-file/,
    ],
    [
      { 'X.npy': x, 'z.npy': npyFile('<f8', [2, 2], [1, 2, 3, 4]) },
      'X.npy',
      { testFile: '/in/z.npy' },
      'MLML_BAD_FILE',
      /has 1 features in a row, .*X.npy has 2/,
    ],
    [{ 'v.npy': labels }, 'v.npy', {}, 'MLML_USAGE', /has the shape \(60,\); features and a label/],
    [
      { 'v.npy': npyFile('<f8', [2, 2, 2], X.slice(0, 8), { fortranOrder: true }) },
      'v.npy',
      { labels: '/in/v.npy' },
      'MLML_BAD_FILE',
      /Fortran order with 3 dimensions/,
    ],
    [{ 'v.npy': npyFile('<c16', [0], []) }, 'v.npy', {}, 'MLML_BAD_FILE', /has numbers of type '<c16'/],
    [
      { 'X.npy': x.subarray(0, 500) },
      'X.npy',
      {},
      'MLML_BAD_FILE',
      /needs 1440 bytes of numbers, but there are 372/,
    ],
    [{ 'a.npz': new Uint8Array(300) }, 'a.npz', {}, 'MLML_BAD_FILE', /zip archive: it does not end as one/],
    [
      { 'a.mat': new Uint8Array(Buffer.from('MATLAB 7.3 MAT-file'.padEnd(512))) },
      'a.mat',
      {},
      'MLML_BAD_FILE',
      /MATLAB 7.3 file \(HDF5\); save it with -v7/,
    ],
    [{ 'a.idx': Uint8Array.of(0, 0, 8, 9, 0) }, 'a.idx', {}, 'MLML_BAD_FILE', /tells of 9 dimensions/],
    [
      { 'rows.bin': x },
      'rows.bin',
      { labels: 'y' },
      'MLML_USAGE',
      /--labels=y: is for arrays .*which .*rows.bin is not/,
    ],
  ];
  for (const [files, source, options, code, message] of cases)
    await assert.rejects(
      imported(files, source, options),
      { code, message },
      `${source} ${JSON.stringify(options)}`,
    );
});

test('damaged archives are refused', async () => {
  const x = npyFile('<f8', [N, D], X);
  const labels = npyFile('<i8', [N], y);
  for (const deflated of [false, true]) {
    const bytes = npzFile({ X: x, y: labels }, { deflated });
    const at = (offset: number, value: number) => ({ 'a.npz': bytes.with(offset, value) });
    const end = bytes.length - 22;
    const directory = new DataView(bytes.buffer).getUint32(end + 16, true);
    const cases: [Files, RegExp][] = [
      [
        at(300, bytes[300]! ^ 64),
        deflated ? /damaged deflate stream|CRC32/ : /X.npy\): has CRC32 [0-9a-f]{8} instead of/,
      ],
      [at(0, 0), /byte 0: zip archive: X.npy: there is no header/],
      [at(directory, 0), /this is no entry of its directory/],
      [at(directory + 8, 1), /X.npy: it is encrypted/],
      [at(directory + 10, 12), /X.npy: compression method 12/],
      [at(directory + 26, 255), /it is said to have \d+ bytes, stored in/],
      [at(end + 19, 255), /its directory .* is not before its end/],
      [{ 'a.npz': bytes.subarray(0, -1) }, /it does not end as one/],
    ];
    for (const [files, message] of cases)
      await assert.rejects(imported(files, 'a.npz', whole), { code: 'MLML_BAD_FILE', message }, `${message}`);
  }
});
