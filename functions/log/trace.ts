import type { TraceContext } from './fields.ts';

/** `00-<trace>-<span>-<flags>`: https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
/** `TRACE_ID/SPAN_ID;o=OPTIONS`, the span in decimal: https://cloud.google.com/trace/docs/trace-context */
const CLOUD_TRACE = /^([0-9a-fA-F]{32})(?:\/(\d{1,20}))?(?:;o=([0-3]))?$/;

/** Where a request belongs in Cloud Trace, by its headers; they decide nothing else. */
export function traceOfHeaders(header: (name: string) => string | undefined): TraceContext | null {
  const standard = TRACEPARENT.exec(header('traceparent') ?? '');
  if (standard) {
    const [, traceId = '', spanId = '', flags = '00'] = standard;
    return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
  }
  const google = CLOUD_TRACE.exec(header('x-cloud-trace-context') ?? '');
  if (!google) return null;
  const [, traceId = '', span, options] = google;
  return { traceId: traceId.toLowerCase(), spanId: span === undefined ? null : BigInt.asUintN(64, BigInt(span)).toString(16).padStart(16, '0'), sampled: options === '1' || options === '3' };
}
