import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { DockerEngine } from './helpers/docker-engine.ts';
import { tempFolder } from './helpers/sqlite.ts';

/** An engine that answers as `listener` does, on a socket of its own. */
async function engineThat(t: ExecutionContext, listener: RequestListener): Promise<DockerEngine> {
  const socket = join(tempFolder(t), 'docker.sock');
  const server = createServer(listener);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((done) => server.listen(socket, done));
  return new DockerEngine(`unix://${socket}`);
}

test('where no engine listens none answers', async (t) => {
  t.false(await new DockerEngine(`unix://${join(tempFolder(t), 'docker.sock')}`).answers());
  t.false(await new DockerEngine('nonsense').answers());
});

test('an engine that accepts connections and says nothing does not answer', async (t) => {
  const engine = await engineThat(t, () => {});
  t.false(await engine.answers());
});

test('an engine that has the image is not asked to get it', async (t) => {
  const asked: string[] = [];
  const engine = await engineThat(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('{}');
  });
  t.true(await engine.answers());
  t.true(await engine.hasOrGets('thing:1', 1_000));
  t.deepEqual(asked, ['GET /_ping', 'GET /images/thing:1/json']);
});

test('an engine that never gets the image is given up after the limit', async (t) => {
  const engine = await engineThat(t, (request, response) => {
    if (request.method === 'GET') response.writeHead(404).end();
    else response.write('{"status":"Pulling"}');
  });
  t.false(await engine.hasOrGets('thing:1', 200));
});

test('an engine that gets the image has it', async (t) => {
  let isThere = false;
  const engine = await engineThat(t, (request, response) => {
    if (request.method === 'POST') isThere = true;
    response.writeHead(isThere ? 200 : 404).end();
  });
  t.true(await engine.hasOrGets('thing:1', 1_000));
});
