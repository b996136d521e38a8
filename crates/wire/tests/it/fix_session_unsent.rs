//! Messages given to a session while its Logon is on its way.
use crate::script;

use fafnir_wire::fix::Role;
use script::bare;

#[test]
fn they_are_sent_with_the_answer() {
    let kept = "connect\nout A 98=0 108=10 VER\nsend D 11=a\nnone\nsend D 11=b\nnone\n";
    bare(
        Role::Initiator,
        "once, as they were written",
        |_| {},
        &format!(
            "{kept}in A 98=0 108=10 VER\non\nout D 11=a\nout D 11=b\nnone\nnumbers 2 4
            send D 11=c\nout D 11=c\nin 0\nnone\nin 2 7=3 16=3\nout D 34=3 43=Y 122=0 11=b"
        ),
    );
    bare(
        Role::Initiator,
        "before what is asked for",
        |_| {},
        "restore 5 9\nours 9\nconnect\nout A 98=0 108=10 VER\nsend D 11=a\nin A 34=8 98=0 108=10 VER\non
        out D 11=a\nout 2 7=5 16=ALL\nnumbers 5 12",
    );
    bare(
        Role::Initiator,
        "after another connection they are asked for",
        |_| {},
        &format!(
            "{kept}drop\nours 4\nconnect\nout A 98=0 108=10 VER\nin A 98=0 108=10 VER\non\nnone
            in 2 7=2 16=ALL\nout D 34=2 43=Y 122=0 11=a\nout D 34=3 43=Y 122=0 11=b\nout 4 34=4 43=Y 122=0 36=5 123=Y"
        ),
    );
    bare(
        Role::Acceptor,
        "an acceptor's have numbers below its answer",
        |_| {},
        "connect\nsend D 11=a\nnone\nours 2\nin A 98=0 108=10 VER\non\nout A 98=0 108=10 VER\nnone
        in 2 7=1 16=ALL\nout D 34=1 43=Y 122=0 11=a\nout 4 34=2 43=Y 122=0 36=3 123=Y",
    );
}
