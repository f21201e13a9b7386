import { BigQuery } from '@google-cloud/bigquery';
import { PassThroughClient } from 'google-auth-library';

/**
 * Google's own client in front of a stand-in. It asks for credentials whatever its endpoint is, and without any its
 * uploads fail: this one is given none to look for, in Google's own way for emulators.
 */
export function bigQueryClient({ endpoint, projectId, location }: { readonly endpoint: string; readonly projectId: string; readonly location?: string }): BigQuery {
  return new BigQuery({ projectId, apiEndpoint: endpoint, authClient: new PassThroughClient(), ...(location === undefined ? {} : { location }) });
}
