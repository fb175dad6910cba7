import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface ServiceStatus {
  readonly name: string;
  readonly url: string | null;
  readonly healthy: boolean;
  readonly pssBytes: number;
  readonly pid: number | null;
  readonly restarts: number;
}

export interface SupervisorStatus {
  readonly ready: boolean;
  readonly services: readonly ServiceStatus[];
}

export interface SupervisorAnswers {
  status(): Promise<SupervisorStatus>;
  /** Begins to drain; answers at once. */
  stop(): void;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const mayAsk = (request: IncomingMessage, token: string): boolean => timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));

const answer = (response: ServerResponse, status: number, document: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
};

/** What `status` and `stop` talk to: 127.0.0.1 only, the operator's token only. */
export const serveSupervisor = async (port: number, token: string, answers: SupervisorAnswers): Promise<Server> => {
  const server = createServer((request, response) => {
    void route(request, response, token, answers);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return server;
};

const route = async (request: IncomingMessage, response: ServerResponse, token: string, answers: SupervisorAnswers): Promise<void> => {
  if (!mayAsk(request, token)) return answer(response, 401, { title: 'the operator token is needed' });
  if (request.method === 'GET' && request.url === '/v1/status') return answer(response, 200, await answers.status());
  if (request.method === 'POST' && request.url === '/v1/stop') {
    answer(response, 202, { stopping: true });
    return answers.stop();
  }
  return answer(response, 404, { title: 'GET /v1/status and POST /v1/stop are served here' });
};
