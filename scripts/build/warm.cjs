'use strict';
// `gcp-build`: Google's builder runs this once, in the folder of the function, with the Node that will serve it. It takes the
// function to where a first message would take it, so that what has been compiled by then is kept.
const [name] = process.argv.slice(2);
Object.assign(process.env, { GOOGLE_CLOUD_PROJECT: 'warm-project', LANDING: '/tmp', LOG_LEVEL: 'CRITICAL', METADATA_SERVER_DETECTION: 'none' });
const push = JSON.stringify({ message: { messageId: '1', data: 'e30=' }, subscription: 'projects/warm-project/subscriptions/none-of-ours' });
const response = { statusCode: 0, setHeader() {}, end() {} };

async function keepCompiled() {
  const bundle = require('./index.cjs');
  await bundle[name]({ method: 'POST', headers: { 'content-type': 'application/json' }, rawBody: Buffer.from(push) }, response);
  await bundle.warm();
  bundle.compileCache.write();
}

keepCompiled().then(
  () => process.exit(0),
  // A function without it starts all the same, later.
  (error) => {
    console.error('the compiled form of the bundle could not be kept:', error);
    process.exit(0);
  },
);
