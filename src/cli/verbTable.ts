import { kernelVerbTable } from './kernelVerbTable.js';
import type { CommandName } from './optionSpec.js';
import { data, dataNames, fileSynopsis, type VerbDescription } from './verbDescription.js';

const raw =
  'Raw row files hold n rows of d features and a label, little-endian, without a header. With k > 1 the labels ' +
  'are class numbers 0 to k-1. With --k=1 (or --one-hot=false) the label is the target of a regression, or one ' +
  'of two classes when --loss is softmax, logistic, hinge or squared_hinge.';

function trainingVerb(
  name: string,
  summary: string,
  details: readonly string[],
  examples: VerbDescription['examples'],
): VerbDescription {
  return {
    summary,
    synopsis: [
      fileSynopsis(name),
      `mlml ${name} (${dataNames}) [options]`,
      `mlml ${name} --train=<path> --n=<n> --d=<d> [--test=<path> --nt=<nt>] [options]`,
    ],
    details: [...details, data, raw],
    examples,
  };
}

/** What the help says about each verb. */
export const verbTable: Readonly<Record<CommandName, VerbDescription>> = {
  import: {
    summary: 'make a data set folder from files: tables, arrays, LIBSVM text, raw rows; or of digits',
    synopsis: [
      'mlml import (<file>|<pattern>|-|<SQL>|<database>) --label=<column> [options]',
      'mlml import (mnist|spam|cifar-10|digits|<path>) [options]',
    ],
    details: [
      'Tables are files of CSV, TSV or JSON lines, also compressed (.gz, .zst), one or several by a pattern such as ' +
        "'trips/*.csv.gz', or - for standard input. What each column holds is found out by reading; numbers, truth values, " +
        'dates, words and texts become features, and how is kept with the data set. Rows for testing are drawn by --seed, of ' +
        'each class in proportion, or come from --test-file or --split-column. See docs/tables.md.',
      'Parquet files and SQL over files are read through DuckDB (npm install @duckdb/node-api), in a process of its own; ' +
        'tables of SQLite (npm install node-sqlite3-wasm), DuckDB and PostgreSQL (npm install pg) with --table or --query. ' +
        'See docs/databases.md.',
      'Files of mnist, spam and cifar-10 are looked for in <dir>/<name>/ and <dir>/ for <dir> in --data-dir, ' +
        '$MLML_DATA, ./data and the cache folder of the user, and downloaded when they are nowhere.',
      'A path may be a NumPy file (.npy, .npz), a MATLAB 5 file (.mat) or an idx file (.gz too), or a folder with a ' +
        'folder of PNG and JPEG files for each class: see docs/sources.md.',
      'LIBSVM (SVMlight) text, also .gz, becomes a data set of sparse rows, which all training verbs take, or with ' +
        '--dense one of dense rows. Few different whole numbers as labels are classes; --k=1 takes them as targets.',
    ],
    examples: [
      ['mlml import housing.csv --label=price', 'make ./data/housing of a table'],
      [
        "mlml import 'logs/*.jsonl.gz' --label=kind --drop=id,note --hash-bits=10 --out=mydata",
        'many files; columns of many words become 1024 features each',
      ],
      [
        `mlml import "select * exclude (id) from 'trips/*.parquet' where fare > 0" --label=fare --out=trips`,
        'rows that a query gives',
      ],
      ['mlml import postgres://me@host/shop --table=orders --label=returned', 'a table of a database'],
      ['mlml import mnist', 'download MNIST and make ./data/mnist'],
      ['mlml import digits --n=10000000', 'make a data set of ten million rows'],
      ['mlml import spam --percentage=0.7 --seed=1', 'another split into training and test rows'],
      ['mlml import X.npy --labels=y.npy', 'NumPy files of features and labels'],
      ['mlml import arrays.npz --out=mydata', 'X_train, y_train, X_test, y_test of a NumPy archive'],
      ['mlml import photos --image-size=32x32', 'images, a folder for each class'],
      ['mlml import rows.bin --n=60000 --d=784 --dtype=uint8 --out=mydata', 'raw rows'],
      ['mlml import a9a --test-file=a9a.t --d=123', 'LIBSVM text, stored sparse'],
    ],
  },
  closed: trainingVerb(
    'closed',
    'train a ridge regression exactly, in one pass',
    [
      'Solves the normal equations by Cholesky; where they do not fit --buffer, by conjugate gradients in several passes.',
      'With --memId it solves kernel ridge regression on a stored kernel, and tells leave-one-out errors.',
    ],
    [
      ['mlml closed housing.csv --label=price', 'a table, which is imported first'],
      ['mlml closed mnist', 'the exact ridge classifier of MNIST'],
      ['mlml closed mnist --no-bias --reg=0.1 --json', 'without an intercept; the result as JSON'],
      ['mlml closed cifar-10 --buffer=4', 'in 4 MB, too few for the normal equations'],
      ['mlml closed mnist --memId=<id> --reg=1,0.1', 'kernel ridge regression by Cholesky, on disk'],
    ],
  ),
  gd: trainingVerb(
    'gd',
    'train by full-batch gradient descent',
    [],
    [
      ['mlml gd digits --iters=200', '200 iterations'],
      ['mlml gd spam --loss=logistic', 'logistic regression'],
    ],
  ),
  sgd: trainingVerb(
    'sgd',
    'train by stochastic gradient descent, the data in memory',
    ['The training rows have to fit --buffer; `ssgd` has no such limit.'],
    [
      ['mlml sgd spam --loss=logistic', 'logistic regression on spam'],
      ['mlml sgd mnist --buffer=100 --iters=20000 --batch=32', '20 000 steps of 32 rows'],
    ],
  ),
  ssgd: trainingVerb(
    'ssgd',
    'train by stochastic gradient descent on data larger than memory',
    [
      'Rows are shuffled on disk and streamed; memory stays within --buffer, whatever n is.',
      'With --memId it fits a stored kernel as in 2016, by descent on ||(K + lambda*I)A - Y||^2; cg is much faster.',
    ],
    [
      ['mlml ssgd digits --buffer=1 --simulated', 'in 1 MB, on built-in data'],
      [
        "mlml ssgd 'logs/*.csv.gz' --label=kind --drop=note --loss=softmax",
        'a table of many files, imported first into ./data',
      ],
      ['mlml ssgd mnist --loss=softmax --epochs=10', 'softmax regression'],
      ['mlml ssgd mnist --algo=block_shuffle --buffer=512KB', 'without scratch space'],
      [
        'mlml ssgd mnist --sweep reg=0.1,1,10 loss=softmax,ridge',
        'six models from one stream, the best is kept',
      ],
      ['mlml ssgd mnist --loss=softmax --epochs=50 --patience=3', 'until three epochs were no better'],
      [
        'mlml ssgd --train=rows.bin --n=60000 --d=784 --test=test.bin --nt=10000 --dtype=uint8',
        'raw row files',
      ],
    ],
  ),
  hsgd: trainingVerb(
    'hsgd',
    'train by stochastic gradient descent in threads that share the weights',
    [
      'Hogwild!: threads update the weights without locks, so results differ from run to run; --nthreads=1 is ssgd.',
    ],
    [
      ['mlml hsgd digits --nthreads=2', 'two threads'],
      ['mlml hsgd mnist --loss=softmax', 'softmax regression'],
    ],
  ),
  ...kernelVerbTable,
  plan: {
    summary: 'say what a command would do: memory, passes, bytes, disk space',
    synopsis: [
      'mlml plan (import|closed|gd|sgd|ssgd|hsgd) <arguments as for that verb>',
      'mlml plan (generate|cg|bcd|nystrom|krr|closed|ssgd) <arguments as for that verb>',
    ],
    details: [
      'Nothing is trained. A data set given by name is imported first when that has not been done. For kernels it ' +
        'also tells the size of tiles, and the minutes it takes with the kernel stored and with it computed in each pass.',
    ],
    examples: [
      ['mlml plan ssgd mnist --buffer=1', 'in words'],
      ['mlml plan closed cifar-10 --buffer=4 --json', 'as JSON'],
      ['mlml plan krr mnist --buffer=1000', 'which solver a kernel would get, and why'],
    ],
  },
  predict: {
    summary: 'apply a model to a data set',
    synopsis: [
      'mlml predict <model> (mnist|spam|cifar-10|digits|<data set folder>|<table>) [options]',
      'cat rows.csv | mlml predict <model> - [options] > predictions.csv',
    ],
    details: [
      '<model> is a model folder or a run folder. Predictions are written as CSV to stdout, or to --out: CSV, for a name in .jsonl ' +
        'a JSON object a line, for one in .parquet the columns of CSV with their types (npm install @duckdb/node-api), or for one in .npy a NumPy array (class numbers as int32, values and probabilities as float64).',
      'A table is a file of CSV, TSV or JSON lines (also .gz and .zst, and patterns such as rows-*.csv), what import reads with DuckDB or from a database, or - for stdin, whose rows are ' +
        'answered as they come. A model of a table finds its columns by name and reads them as those it was trained on; others are passed ' +
        'over, and the label may be missing. Any other model takes as many columns of numbers as it has features. ' +
        'Predictions keep the order of the rows, and their ids.',
    ],
    examples: [
      ['mlml predict runs/ssgd-2026-01-31T12-00-00 mnist --out=predictions.csv', 'CSV'],
      ['mlml predict model mnist --part=train --out=predictions.npy', 'NumPy'],
      ['mlml predict model mnist --proba --out=probabilities.npy', 'n x k probabilities'],
    ],
  },
  evaluate: {
    summary: 'the quality of a model on a data set',
    synopsis: ['mlml evaluate <model> (mnist|spam|cifar-10|digits|<data set folder>|<table>) [options]'],
    details: [
      '<model> is a model folder or a run folder. Classification: loss, accuracy, precision, recall, F1, area under the ROC curve and ' +
        'average precision of each class, the table of errors, and for models that give probabilities their log loss and calibration. ' +
        'Regression: rmse, mae and r2, of each output when there are several. All in one pass.',
      'Areas and average precisions are exact where the scores can be sorted within --buffer, in memory or in runs in --scratch; ' +
        'otherwise they come from histograms, with a bound on their error. docs/evaluating.md says what each figure is.',
    ],
    examples: [
      ['mlml evaluate runs/ssgd-2026-01-31T12-00-00 mnist', 'on the test rows'],
      ['mlml evaluate model mnist --part=train --json', 'on the training rows; as JSON'],
    ],
  },
  serve: {
    summary: 'answer requests for predictions over HTTP',
    synopsis: ['mlml serve <model> [options]'],
    details: [
      '<model> is a model folder or a run folder. POST /predict takes rows as JSON: lists of numbers, or objects by the names ' +
        'of columns for models made from tables; ?proba=1 asks for probabilities. GET /health, /model and /metrics ' +
        '(Prometheus) tell how it is.',
      'SIGTERM and SIGINT end it when what has come is answered (exit status 0); SIGHUP loads the model again. See docs/serving.md.',
    ],
    examples: [
      ['mlml serve runs/ssgd-2026-01-31T12-00-00', 'on http://127.0.0.1:8080'],
      ['mlml serve model --port=0 --json', 'on a free port, told as JSON'],
      ["curl -H 'content-type: application/json' -d '[[5.1,3.5]]' localhost:8080/predict", 'ask it'],
    ],
  },
  export: {
    summary: 'write a model in a format that other programs read',
    synopsis: ['mlml export <model> (--onnx|--npz|--json|--js) [options]'],
    details: [
      '<model> is a model folder or a run folder. The file has the scaling of features in it, and of a model of a table how its ' +
        'columns become features; that of a kernel model has its training rows. docs/export.md says how to use each format.',
    ],
    examples: [
      ['mlml export runs/mine --onnx', 'mine.onnx, for onnxruntime'],
      ['mlml export runs/mine --onnx --precision=float32 --out=small.onnx', 'for a GPU'],
      ['mlml export runs/mine --npz', 'mine.npz, for scikit-learn'],
      ['mlml export runs/mine --js --out=web/model.js', 'a module, and web/model.d.ts'],
    ],
  },
  calibrate: {
    summary: 'make the scores of a model probabilities',
    synopsis: ['mlml calibrate <model> (mnist|spam|cifar-10|digits|<data set folder>|<table>) [options]'],
    details: [
      '<model> is a model folder or a run folder. A curve for each class, fitted to its scores on rows the model was not trained on, ' +
        'says how probable the class is; predict --proba and evaluate then go by it. It is kept in the model, or with --out in a copy. ' +
        'Predicted classes stay the same. A table is read as by predict, and needs the label, too. Models of loss softmax and logistic give probabilities without, but may be too sure.',
    ],
    examples: [
      ['mlml calibrate runs/ssgd-2026-01-31T12-00-00 mnist', 'sigmoid curves, from the test rows'],
      [
        'mlml calibrate model held-out --part=train --method=isotonic --out=calibrated',
        'a data set of its own',
      ],
      ['mlml calibrate model later.csv', 'a table, which has the label'],
    ],
  },
  resume: {
    summary: 'go on with a run that was killed, interrupted or stopped by the disk',
    synopsis: ['mlml resume <run> [options]'],
    details: [
      'The run goes on from the last state it saved, and ends in the same bits as if nothing had happened. A run that is ' +
        'complete is reported again. The same command with the same --out and --resume does the same, and starts afresh ' +
        'when there is no run. generate has no run: the same command goes on.',
    ],
    examples: [
      ['mlml resume runs/ssgd-2026-01-31T12-00-00', 'go on'],
      ['mlml ssgd mnist --out=runs/mine --resume', 'begin, or go on, or report: for scripts'],
    ],
  },
  info: {
    summary: 'describe a data set, a model or a run',
    synopsis: ['mlml info (<data set name or folder>|<model>|<run>) [options]'],
    details: [],
    examples: [
      ['mlml info mnist', 'an imported data set'],
      ['mlml info data/mnist --verify', 'and read it whole to check it'],
      ['mlml info runs/ssgd-2026-01-31T12-00-00 --json', 'a run, as JSON'],
    ],
  },
  help: {
    summary: 'this help, or that of a verb',
    synopsis: ['mlml help [verb]'],
    details: [],
    examples: [['mlml help ssgd', 'the same as mlml ssgd --help']],
  },
};
