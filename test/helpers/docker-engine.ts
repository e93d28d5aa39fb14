import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

const ANSWER_LIMIT_MS = 1_000;

/**
 * The few questions that are asked of a Docker engine before testcontainers is: those have no time limit there, and an
 * engine may answer, and yet never get an image.
 */
export class DockerEngine {
  private readonly where:
    { readonly socketPath: string } | { readonly host: string; readonly port: string } | undefined;

  /** @param host where the engine listens, as in DOCKER_HOST: `unix:///path` or `tcp://host:port`. */
  constructor(host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock') {
    if (host.startsWith('unix://')) this.where = { socketPath: host.slice('unix://'.length) };
    else if (URL.canParse(host)) this.where = { host: new URL(host).hostname, port: new URL(host).port || '2375' };
  }

  /** Whether there is an engine, and it answers at once. */
  async answers(): Promise<boolean> {
    return (await this.ask('GET', '/_ping', ANSWER_LIMIT_MS)) === 200;
  }

  /** Whether the engine has an image, or gets it within `limitMs`. */
  async hasOrGets(image: string, limitMs: number): Promise<boolean> {
    const has = async (): Promise<boolean> => (await this.ask('GET', `/images/${image}/json`, ANSWER_LIMIT_MS)) === 200;
    if (await has()) return true;
    const [name = image, tag = 'latest'] = image.split(':');
    await this.ask('POST', `/images/create?fromImage=${name}&tag=${tag}`, limitMs);
    return await has();
  }

  /** The status of the answer once it is there to its end; `undefined` when it is not within `limitMs`. */
  private async ask(method: 'GET' | 'POST', path: string, limitMs: number): Promise<number | undefined> {
    const { where } = this;
    if (where === undefined) return undefined;
    return await new Promise((done) => {
      let answer: IncomingMessage | undefined;
      const signal = AbortSignal.timeout(limitMs);
      const asked = request({ ...where, method, path, signal }, (response) => {
        answer = response;
        response.once('error', () => {});
        response.resume();
      });
      asked.once('error', () => done(undefined));
      asked.once('close', () => done(answer?.complete === true ? answer.statusCode : undefined));
      asked.end();
    });
  }
}
