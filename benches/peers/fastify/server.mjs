// Diyalog's customer check as a typical Fastify app: a schema for the body, one comparison, one word.
import { timingSafeEqual } from 'node:crypto'
import Fastify from 'fastify'

const good = Buffer.from('2121sasasrwsdss')
const app = Fastify({ bodyLimit: 16 * 1024 })

app.get('/', async () => 'the app')
app.post('/checkauthtoken', {
  schema: {
    body: {
      type: 'object',
      required: ['deviceId', 'dlgToken', 'customerNo'],
      properties: {
        deviceId: { type: 'string' },
        dlgToken: { type: 'string' },
        customerNo: { type: 'string' },
        deviceHash: { type: 'string' }
      }
    }
  }
}, async (request, reply) => {
  const token = Buffer.from(request.body.dlgToken)
  const validated = token.length === good.length && timingSafeEqual(token, good)
  reply.header('content-type', 'text/plain; charset=utf-8').header('cache-control', 'no-store')
  return validated ? 'Validated' : 'InvalidToken'
})
app.setErrorHandler((_error, _request, reply) => reply.code(200).type('text/plain; charset=utf-8').send('BadRequest'))

console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
process.stdin.resume().on('end', () => process.exit())
