import { datePartNames } from '../data/columns/columnMapping.js';
import { tableFormatNames } from '../data/table/tableFormats.js';
import { columnKinds, missingNames, tableDefaults } from '../data/table/tableImportOptions.js';
import type { OptionSpec } from './optionSpec.js';

const verbs = ['import'] as const;
/** Those that say how a table is read hold for new tables too. */
const reading = ['import', 'predict', 'evaluate', 'calibrate'] as const;
const columns = '<column>[,<column>...]';

/** The options of importing tables. */
export const tableOptionTable: readonly OptionSpec[] = [
  {
    name: 'label',
    kind: 'text',
    shape: columns,
    help: 'the source is a table, in which this column is to be predicted; several, all of numbers, are predicted together',
    verbs,
  },
  {
    name: 'format',
    kind: 'choice',
    choices: tableFormatNames,
    help: 'format of the table',
    shownDefault: 'by the ending of the name',
    verbs,
  },
  {
    name: 'keep',
    kind: 'text',
    shape: columns,
    help: 'the columns that become features',
    shownDefault: 'all but the label',
    verbs,
  },
  { name: 'drop', kind: 'text', shape: columns, help: 'columns that do not', verbs },
  {
    name: 'id',
    kind: 'text',
    shape: '<column>',
    help: 'column that names rows: no feature, carried through by predictions',
    verbs: ['import', 'predict'],
  },
  {
    name: 'types',
    kind: 'text',
    shape: '<column>:<kind>[,...]',
    help: `what columns are, instead of what their values look like: ${columnKinds.join(', ')}`,
    verbs,
  },
  { name: 'text', kind: 'text', shape: columns, help: 'columns of text: hashed words are counted', verbs },
  {
    name: 'ngrams',
    kind: 'integer',
    min: 1,
    max: 5,
    help: 'count runs of up to so many words of a text',
    shownDefault: String(tableDefaults.ngrams),
    verbs,
  },
  {
    name: 'categories',
    kind: 'integer',
    min: 0,
    max: 65536,
    help: 'a feature for each value of a column of words, which is hashed when they are more',
    shownDefault: String(tableDefaults.categories),
    verbs,
  },
  {
    name: 'hash-bits',
    kind: 'integer',
    min: 1,
    max: 24,
    help: 'columns that are hashed, or texts, make 2^bits features',
    shownDefault: String(tableDefaults.hashBits),
    verbs,
  },
  {
    name: 'date-parts',
    kind: 'text',
    shape: '<part>[,<part>...]',
    help: `features of a date: ${datePartNames.join(', ')}`,
    shownDefault: 'year,month,day,weekday, with a time hour,minute too',
    verbs,
  },
  {
    name: 'missing',
    kind: 'choice',
    choices: missingNames,
    help: 'missing numbers become the mean of the training rows, 0, or the mean and a feature that tells',
    shownDefault: tableDefaults.missing,
    verbs,
  },
  {
    name: 'missing-values',
    kind: 'text',
    shape: '<word>[,<word>...]',
    mayBeEmpty: true,
    help: 'words that stand for a missing value; with none after the = only what is empty is missing',
    shownDefault: 'NA,N/A,NaN,null,none,?',
    verbs,
  },
  {
    name: 'delimiter',
    kind: 'text',
    shape: '<character>',
    help: 'what stands between the columns of CSV',
    shownDefault: 'found out: comma, semicolon, tab or |',
    verbs: reading,
  },
  {
    name: 'header',
    kind: 'flag',
    negatable: true,
    help: 'the first line of CSV names the columns; without, they are column1, column2, ...',
    shownDefault: 'yes',
    verbs: reading,
  },
  {
    name: 'table',
    kind: 'text',
    shape: '<name>',
    help: 'the table of a database (SQLite, DuckDB, PostgreSQL)',
    verbs: reading,
  },
  {
    name: 'query',
    kind: 'text',
    shape: '<SQL>',
    help: 'a query over the tables of a database, instead of one table',
    verbs: reading,
  },
  {
    name: 'query-memory',
    kind: 'size',
    help: 'memory in MB of the process that reads (or writes) Parquet and SQL through DuckDB, besides --buffer',
    shownDefault: '280',
    verbs: reading,
  },
  {
    name: 'split-column',
    kind: 'text',
    shape: '<column>',
    help: 'a column that holds train or test in each row',
    verbs,
  },
];
