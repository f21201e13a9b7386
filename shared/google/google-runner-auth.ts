import type { GoogleAuth } from 'google-auth-library';
import { RetrySoonError } from '../failures/errors.ts';
import type { AuthorisedFetch } from './cloud-run-api.ts';

/** Credentials for what the runner calls. Nothing is asked for before the first call; clients renew their tokens themselves. */

/** What is needed of google-auth-library's GoogleAuth. */
export interface IdTokenSource {
  getIdTokenClient(audience: string): Promise<{ getRequestHeaders(): Promise<Headers> }>;
}

/** OIDC tokens by audience, as HttpTarget wants them. */
export function idTokens(auth: IdTokenSource): (audience: string) => Promise<string> {
  const clients = new Map<string, ReturnType<IdTokenSource['getIdTokenClient']>>();
  return async (audience) => {
    const client = clients.get(audience) ?? auth.getIdTokenClient(audience);
    clients.set(audience, client);
    // Credentials that could not be had are asked for again.
    client.catch(() => clients.delete(audience));
    const header = (await (await client).getRequestHeaders()).get('authorization') ?? '';
    const [, token] = /^Bearer (\S+)$/i.exec(header) ?? [];
    if (token === undefined) throw new RetrySoonError(`no token was issued for ${audience}; the runtime's service account needs roles/run.invoker on that service`);
    return token;
  };
}

/** `fetch` with an access token, as CloudRunApi wants it. `auth` needs the scope https://www.googleapis.com/auth/cloud-platform. */
export function authorisedFetch(auth: Pick<GoogleAuth, 'getRequestHeaders'>, send: typeof fetch = fetch): AuthorisedFetch {
  return async (url, init) => {
    const headers = new Headers(init.headers);
    (await auth.getRequestHeaders(url)).forEach((value, name) => headers.set(name, value));
    return send(url, { ...init, headers });
  };
}
