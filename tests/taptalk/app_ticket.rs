//! Nothing but a known caller and a good answer of TapTalk's yields a ticket.
