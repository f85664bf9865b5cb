//! Faults: this chapter says what the platform sees, what you see, and what to do when something fails.
//!
//! **Nobody is admitted by a failure.** That is the law of this crate, and it has a price: while your side fails, good
//! credentials are refused too. Every failure below is answered in the platform's words for "no verdict":
//!
//! | endpoint | answer without a verdict | other status |
//! |---|---|---|
//! | [`diyalog::CustomerEndpoint`](crate::diyalog::CustomerEndpoint) | 200, `InternalError` | |
//! | [`diyalog::AgentEndpoint`](crate::diyalog::AgentEndpoint) | 200, `"success":false`, `"result":"InternalError"` | |
//! | [`talkdesk::Validator`](crate::talkdesk::Validator) | 401, `"error":"server_error"` | [`no_verdict_status`](crate::talkdesk::Validator::no_verdict_status) |
//! | [`talkdesk::LaterCalls`](crate::talkdesk::LaterCalls) | 503, `"error":"server_error"` | [`no_verdict_status`](crate::talkdesk::LaterCalls::no_verdict_status) |
//! | `taptalk`, all endpoints of the ticket server | 200 with code `50001` in the envelope; of a refresh, 503 | [`no_verdict_status`](crate::taptalk::RefreshEndpoint::no_verdict_status) |
//!
//! # At a glance
//!
//! "Event" is the outcome in logs and metrics, with the error's source where there is one.
//!
//! | fault | the platform gets | event | what to do |
//! |---|---|---|---|
//! | the verifier returns an error: the database is away | no verdict, at once | `error`, with your error | mend the database |
//! | the verifier hangs | no verdict after 5 s | `deadline_exceeded`, `verifying` ≈ 5 s | give your client a timeout: the error then says who hung |
//! | the verifier panics | no verdict | `panicked`; the panic hook prints where | fix the bug. The process and other calls go on |
//! | the store is away | no verdict, after 1 s for each operation, 5 s at most | `error`: "the store is unavailable", and why | [below](#the-store-is-away) |
//! | the store is full | no verdict where something must be written | `error`: "the store is full" | [below](#the-store-is-full) |
//! | the store is slow | no verdict, as if it were away | `error`, or long `verifying` | look at the server; `MeteredStore` times each operation |
//! | Redis failed over | no verdict until the new primary answers | `error` for that time | nothing: it reconnects. [Below](#redis-failed-over) |
//! | a key is lost | denied | `denied`: Diyalog's `invalid_token` | [below](#a-key-is-lost-or-leaked) |
//! | a clock is wrong | denied, or admitted for too long | `denied`: `expired_token` | [below](#a-clock-is-wrong) |
//! | a caller drips its body | no verdict after 5 s | `deadline_exceeded`, `reading` ≈ 5 s | nothing; slow ones by the thousand: [below](#callers-that-drip) |
//! | a caller hangs up | nothing | `cancelled` | ask why: were we slow? |
//! | somebody guesses | no verdict; Talkdesk gets `temporarily_unavailable` with `Retry-After`, TapTalk code `42901` | `throttled` | look at who; block the address in front |
//! | a node is stopped | the answer, or a closed connection | as usual; none if the process was killed | [below](#a-node-is-stopped) |
//! | the endpoint's own code panics in `refused` or `admitted` | 500 without a body | `panicked` | fix the bug, and add the case to its conformance test |
//!
//! # The store is away
//!
//! Affected are the parts that [need one](super::nodes): `StoredTokens`, `TicketOffice`, `Throttle`. Signed `Tokens` go
//! on. `RedisStore` and `PostgresStore` give up an operation after their response timeout, 1 s by default, and
//! reconnect by themselves: nobody has to restart the app. A TapTalk refresh tries again for 3 s, as a refused refresh
//! would cost a login.
//!
//! A throttle refuses everybody while its store is away, as it cannot count. If an outage of the store is worse for you
//! than some minutes of unlimited guesses, set [`Throttle::fail_open`](crate::policy::Throttle::fail_open).
//!
//! **It comes back empty.** Nothing is good that was not good before. Stored tokens and logins are refused, and users
//! log in again. A `TicketOffice` also keeps the `userID` of each user there, and gives a new one to everybody whose
//! entry is gone: back up the keys `tt:{tenant}:u:…` and `tt:{tenant}:x:…`.
//!
//! **It comes back older**, from a snapshot, or from a replica that was behind. A token that was used or revoked in
//! between is good once more until it expires. Remove the entries that may be wrong: those of `StoredTokens` (`dlgc:…`,
//! `dlga:…`), and the logins of a `TicketOffice` (`tt:{tenant}:l:…`). Users log in again, and keep their `userID`.
//!
//! # The store is full
//!
//! No store of this crate drops a live entry to make room: that could make a used ticket good. Writing fails, reading
//! goes on: checks of access tokens succeed, and new tickets are refused. `MemoryStore` has room again when entries
//! expire; raise `max_entries` and `max_bytes`, or shorten the time to live. Redis needs memory, and `maxmemory-policy
//! noeviction`.
//!
//! # Redis failed over
//!
//! The connection is made again in the background, at least four times a second, also when the old primary says that it
//! has become a replica. An operation waits for it for 1 s at most. Measurements of how long each fault lasts, and of
//! what a failover loses, are in [`nodes`](super::nodes#when-redis-fails).
//!
//! # A key is lost or leaked
//!
//! *Lost* means that a node starts without the key that signed the tokens which are in use. It denies them all:
//! Diyalog's as `InvalidToken`, TapTalk's with code `40103`. The alert is a jump of `denied`. Put the old key back into
//! the ring, behind the new one. If it is gone, users log in again; Diyalog's tokens have all expired after 5 minutes
//! anyway.
//!
//! *Leaked* means that somebody else can sign tokens. Remove the key from every node at once. A TapTalk login that the
//! thief has renewed meanwhile goes on under the new key: end the logins as well, by
//! [`TicketOffice::revoke_user`](crate::taptalk::TicketOffice::revoke_user), or all of them by removing the keys
//! `tt:{tenant}:l:…` from the store.
//!
//! # A clock is wrong
//!
//! | | effect |
//! |---|---|
//! | the node that checks is fast | new tokens are `expired_token` if it is fast by more than their life |
//! | the node that checks is slow | tokens are good for longer, by as much as it is slow |
//! | the node that signs is fast | its tokens are good for longer; a slow one's for less |
//! | the clock is set while the process runs | `MemoryStore`, `Cached` and the deadline do not notice: they use the monotonic clock. Nobody is throttled for longer than the longest wait |
//! | the database server's clock | rows in PostgreSQL and keys in Redis expire by it |
//!
//! Correct the clock; nothing has to be restarted.
//!
//! # Callers that drip
//!
//! A body that is not there within the deadline ends the call. Until then it holds at most 16 KiB, and all incomplete
//! bodies of an endpoint together at most 64 MiB: the next one is `overloaded`, at once. The head of a request is the
//! server's matter: see [`production`](super::production). A proxy that buffers requests keeps such callers away from
//! the app.
//!
//! # A node is stopped
//!
//! With a graceful end, calls under way are answered, and new connections are refused. The content of a `MemoryStore`
//! is gone: logins end, and a throttle starts from zero. In a shared store, an attempt that a crashed node had reserved
//! in a throttle expires after 30 s. A confirmed write stays. A write that was under way may have happened or not: its
//! caller got no verdict, and asks again.
