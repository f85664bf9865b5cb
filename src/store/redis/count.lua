local counter = redis.call('GET', KEYS[1])
if counter and not string.find(counter, '^%d+$') then
    return redis.error_reply('ERR the value is not a counter')
end
local count = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(count) == 'table' then
    if not string.find(count.err, 'overflow') then
        return count
    end
    redis.call('SET', KEYS[1], '9223372036854775807', 'KEEPTTL')
elseif count < 0 then
    redis.call('SET', KEYS[1], '0', 'KEEPTTL')
end
if not counter then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('GET', KEYS[1])
