import type { Extension } from '../../../shared/embedded/googlesql-extension.ts';
import type { Refuse, Rewrite } from '../../../shared/embedded/googlesql-functions.ts';
import { parameterPlaceholder } from '../../../shared/embedded/googlesql-placeholders.ts';

/** GoogleSQL's functions that the adapter and the local cloud use beyond a pipeline's SQL: calls of macros in storage.ts. */

/** Named parameters that stand for the server's clock. */
export const NOW_PARAMETER = 'sb_now';
export const TODAY_PARAMETER = 'sb_today';

function call(name: string): Rewrite {
  return (args) => `${name}(${args.join(', ')})`;
}

function timestampArithmetic(sign: '+' | '-'): Rewrite {
  return ([timestamp, interval], refuse) => {
    if (!/\b(MICROSECOND|MILLISECOND|SECOND|MINUTE|HOUR|DAY)$/i.test(interval ?? '')) return refuse(`an INTERVAL of ${interval ?? 'nothing'}`, 'use MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR or DAY');
    return `(${timestamp ?? ''} ${sign} ${interval ?? ''})`;
  };
}

const FUNCTIONS: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ['FARM_FINGERPRINT', call('SB_FARM_FINGERPRINT')],
  ['TO_JSON_STRING', call('SB_TO_JSON_STRING')],
  ['MD5', call('SB_MD5')],
  ['SHA256', call('SB_SHA256')],
  ['TO_HEX', call('SB_TO_HEX')],
  ['STRUCT', call('STRUCT')],
  ['FORMAT', formatted],
  ['ANY_VALUE', call('ANY_VALUE')],
  ['APPROX_COUNT_DISTINCT', ([value]) => `COUNT(DISTINCT ${value ?? ''})`],
  ['BIT_XOR', call('BIT_XOR')],
  ['MAX_BY', call('ARG_MAX')],
  ['MIN_BY', call('ARG_MIN')],
  ['ARRAY_CONCAT', call('LIST_CONCAT')],
  ['ARRAY_TO_STRING', call('ARRAY_TO_STRING')],
  ['CURRENT_TIMESTAMP', () => parameterPlaceholder(`@${NOW_PARAMETER}`)],
  ['CURRENT_DATE', () => parameterPlaceholder(`@${TODAY_PARAMETER}`)],
  ['UNIX_MICROS', call('SB_UNIX_MICROS')],
  ['UNIX_MILLIS', ([timestamp]) => `DIV(SB_UNIX_MICROS(${timestamp ?? ''}), 1000)`],
  ['UNIX_SECONDS', ([timestamp]) => `DIV(SB_UNIX_MICROS(${timestamp ?? ''}), 1000000)`],
  ['TIMESTAMP_ADD', timestampArithmetic('+')],
  ['TIMESTAMP_SUB', timestampArithmetic('-')],
  ['TIMESTAMP', (args, refuse) => (args.length === 1 ? `SB_TIMESTAMP(${args[0] ?? ''})` : refuse('TIMESTAMP with a time zone', 'write the zone into the text'))],
  ['DATE', (args, refuse) => {
    if (args.length === 3) return `DATE(${args.join(', ')})`;
    return args.length === 1 ? `SB_DATE(${args[0] ?? ''})` : refuse('DATE with a time zone', 'use DATE(timestamp), which is UTC');
  }],
]);

export const EXTENSION: Extension = {
  functions: FUNCTIONS,
  cast: (cast, value, type) => {
    const attempt = cast === 'SAFE_CAST' ? 'TRY_' : '';
    if (type === 'TIMESTAMP') return `SB_${attempt}TIMESTAMP(${value})`;
    if (type === 'BIGNUMERIC' || type === 'BIGDECIMAL') return `SB_${attempt}BIGNUMERIC(${value})`;
    return type === 'BYTES' && cast === 'CAST' ? `SB_BYTES(${value})` : null;
  },
  literals: new Map([
    ['TIMESTAMP', (literal) => `SB_TIMESTAMP(${literal})`],
    ['BIGNUMERIC', (literal) => `SB_BIGNUMERIC(${literal})`],
  ]),
};

/** FORMAT with a literal pattern of %d, %i, %s, %t, %f, %e, %g, %x and %%, as DuckDB's PRINTF. */
function formatted([pattern, ...args]: readonly string[], refuse: Refuse): string {
  if (pattern === undefined || !/^['"].*['"]$/s.test(pattern)) return refuse('FORMAT of a pattern that is no literal', 'write the pattern into the query');
  let argument = -1;
  const values = [...args];
  const rendered = pattern.replaceAll(/%(?:%|[-+ 0#']*\d*(?:\.\d+)?(.))/gs, (spec: string, kind?: string) => {
    if (kind === undefined) return spec;
    argument += 1;
    if (kind === 't') {
      values[argument] = `COALESCE(CAST(${values[argument] ?? ''} AS STRING), 'NULL')`;
      return `${spec.slice(0, -1)}s`;
    }
    if (!/[dsfegxXi]/.test(kind)) return refuse(`FORMAT with ${spec}`, 'use %d, %s, %t, %f, %e, %g or %x');
    return spec;
  });
  if (argument + 1 !== values.length) return refuse(`FORMAT with ${values.length} values for ${argument + 1} places`, 'give one value for each place');
  return `PRINTF(${[rendered, ...values].join(', ')})`;
}
