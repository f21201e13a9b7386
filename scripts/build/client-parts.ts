import type { Plugin } from 'esbuild';

interface LeftOut {
  readonly file: RegExp;
  /** What is loaded instead. */
  readonly contents: string;
  readonly why: string;
}

/** What packages load and the functions never use. Seen in the versions that package-lock.json pins; the build fails where one is not there. */
const leftOut: readonly LeftOut[] = [
  {
    file: /@google-cloud\/firestore-api\/build\/src\/v1\/index\.js$/, why: 'the admin client makes indexes and backups',
    contents: "Object.defineProperty(exports, 'FirestoreClient', { enumerable: true, get: () => require('./firestore_client').FirestoreClient });",
  },
  {
    file: /@google-cloud\/firestore-api\/build\/src\/index\.js$/, why: 'the client of v1beta1, and both admin clients',
    contents: "const v1 = require('./v1'); exports.v1 = v1; Object.defineProperty(exports, 'FirestoreClient', { enumerable: true, get: () => v1.FirestoreClient });",
  },
  {
    file: /@google-cloud\/firestore\/build\/protos\/firestore_v1_proto_api\.js$/, why: 'message classes of which the client takes one, as a type; data bundles, which use more, are not read here',
    contents: 'exports.google = { firestore: { v1: {} } };',
  },
  { file: /@google-cloud\/(?:pubsub|pubsub-api)\/build\/protos\/protos\.js$/, why: 'message classes for callers; the clients make their own from JSON', contents: 'module.exports = {};' },
  { file: /zod\/v4\/locales\/index\.js$/, why: 'messages in forty languages', contents: "export { default as en } from './en.js';" },
];

/** Leaves parts of packages out of a bundle: they were half of it. */
export function clientParts(): Plugin {
  return {
    name: 'client-parts',
    setup(build) {
      const met = new Set<LeftOut>();
      for (const part of leftOut) {
        build.onLoad({ filter: part.file }, () => {
          met.add(part);
          return { contents: part.contents, loader: 'js' };
        });
      }
      build.onEnd(() => ({
        errors: leftOut.filter((part) => !met.has(part)).map(({ file, why }) => ({ text: `no file is like ${file.source} any more, which was left out (${why}): look what the package loads now, and mend scripts/build/client-parts.ts` })),
      }));
    },
  };
}
