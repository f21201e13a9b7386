import { z } from 'zod';
import { parseDay } from '../calendar/day.ts';

/** What may name something in a definition. Identifiers of SQL come from here only. */

export const gameDate = z.string().refine((text) => parseDay(text) !== undefined, { error: 'write a date of the calendar as YYYY-MM-DD' });
export const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, { error: 'a name starts with a letter and holds letters, digits and _' });
export const tableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,62}$/, { error: 'write a table as dataset.table, letters, digits and _ only' });
export const datasetName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, { error: 'a dataset has letters, digits and _ only' });
export const topicName = z.string().regex(/^[A-Za-z][A-Za-z0-9\-._~+%]{2,254}$/, { error: 'a Pub/Sub name has 3 to 255 letters, digits and -._~+%, and starts with a letter' });
/** https://cloud.google.com/run/docs/deploying: letters, digits and hyphens, less than 50 characters. */
export const serviceName = z.string().regex(/^[a-z](?:[a-z0-9-]{0,47}[a-z0-9])?$/, { error: 'a Cloud Run service has lower-case letters, digits and -, starts with a letter, and is shorter than 50' });
export const servicePath = z.string().regex(/^\/[^\s?#]*$/, { error: 'a path starts with / and has no spaces, ? or #' });
