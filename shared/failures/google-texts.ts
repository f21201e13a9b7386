import type { FailureCategory } from './category.ts';

/**
 * Errors of Google's whose text says more than their reason: one reason stands for what mends itself and for what never
 * will. Held against errors that carry one of the named reasons or statuses only, so that no other text is taken for one.
 */
export interface GoogleText {
  readonly rule: string;
  /** Null: whichever of Google's reasons it came with. */
  readonly with: readonly string[] | null;
  readonly pattern: RegExp;
  readonly category: FailureCategory;
  readonly retry?: false;
  readonly why: string;
  readonly source: string;
}

const INVALID = ['invalid', 'invalidQuery', 'badRequest', 'INVALID_ARGUMENT'];

/** In order: the first row that matches decides. */
export const googleTexts: readonly GoogleText[] = [
  {
    rule: 'dml_queue', with: null, pattern: /too many DML statements outstanding/i, category: 'resource_exhausted',
    why: 'too many changes to one table at a time (P23): told as a quota or as resources, but gone in seconds', source: 'https://github.com/m-lab/etl-gardener/issues/293',
  },
  {
    rule: 'streaming_buffer', with: INVALID, pattern: /would affect rows in the streaming buffer|not supported over table \S+ with streaming buffer/i, category: 'infrastructure',
    why: 'rows were streamed into the table, which cannot be changed for 30 to 90 minutes (P18); it is tried again then', source: 'https://cloud.google.com/bigquery/docs/error-messages',
  },
  {
    rule: 'concurrent_update', with: INVALID, pattern: /could not serialize access to table|aborted due to concurrent update/i, category: 'infrastructure',
    why: 'another statement changed the table meanwhile', source: 'https://cloud.google.com/bigquery/docs/troubleshoot-queries#could_not_serialize_access_to_table_due_to_concurrent_update',
  },
  {
    rule: 'not_partitioned', with: INVALID, pattern: /from a table that is not partitioned|non-partitioned table/i, category: 'processing',
    why: 'the table is not partitioned by date, so that one date cannot be replaced: make it anew, partitioned', source: 'https://github.com/GoogleCloudPlatform/DataflowJavaSDK/issues/620',
  },
  {
    rule: 'unknown_column', with: INVALID, pattern: /unrecognized name:|name \S+ not found inside/i, category: 'processing',
    why: 'the query names a column that is not there: renamed, dropped or misspelled', source: 'https://github.com/GoogleCloudPlatform/bigquery-utils/pull/104',
  },
  {
    rule: 'no_dataset', with: ['notFound'], pattern: /not found: (?:dataset|project)|bucket does not exist/i, category: 'infrastructure', retry: false,
    why: 'a dataset or bucket that the deployment makes is not there, or is in another location', source: 'https://github.com/hashicorp/terraform-provider-google/issues/10641',
  },
  {
    rule: 'no_job', with: ['notFound'], pattern: /not found: job/i, category: 'infrastructure',
    why: 'the job was never made, or is looked for in another location; the next try makes it', source: 'https://github.com/samelamin/spark-bigquery/issues/85',
  },
  {
    rule: 'expired_transaction', with: ['INVALID_ARGUMENT'], pattern: /transaction has expired|invalid transaction/i, category: 'infrastructure',
    why: 'the transaction took too long (P17); the next one reads again', source: 'https://github.com/googleapis/nodejs-firestore/pull/1347',
  },
  {
    rule: 'no_index', with: ['FAILED_PRECONDITION'], pattern: /requires an index|no matching index/i, category: 'infrastructure', retry: false,
    why: 'the database lacks an index that the deployment makes', source: 'https://github.com/googleapis/nodejs-datastore/issues/726',
  },
  {
    rule: 'message_too_large', with: ['RESOURCE_EXHAUSTED'], pattern: /received message larger than max/i, category: 'processing',
    why: 'the answer is larger than a call may carry; it would be so again', source: 'https://github.com/googleapis/python-bigquery/issues/331',
  },
];
