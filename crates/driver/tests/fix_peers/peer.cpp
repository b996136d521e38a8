// An engine that is not ours, as a terminal: QuickFIX (C++) behind lines of text, for the tests beside it.
//
// usage: peer initiator|acceptor SETTINGS
// Lines in: `send 35=D|11=a|...` an application message, `out N` the number the next message of its side gets, `in N` the
// number it expects next, `await N` waits until it expects that one, `rest` until no connection is left, `logout`,
// `logon`, `quit`.
// Lines out: `ready`; `done` after each line in; `logon`, `logout`; `app MESSAGE` what its application was given, in
// order; `< MESSAGE` and `> MESSAGE` all that came and went; `. TEXT` what the engine says of it; `? TEXT` a fault.
// Separators are shown as `|`.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <quickfix/Application.h>
#include <quickfix/FileStore.h>
#include <quickfix/Log.h>
#include <quickfix/Session.h>
#include <quickfix/SessionSettings.h>
#include <quickfix/SocketAcceptor.h>
#include <quickfix/SocketInitiator.h>

static void say(const std::string& what, std::string text = "") {
    static std::mutex lock;
    std::lock_guard<std::mutex> guard(lock);
    std::replace(text.begin(), text.end(), '\001', '|');
    std::cout << what << (text.empty() ? "" : " ") << text << std::endl;
}

struct Lines : FIX::Log {
    void clear() {}
    void backup() {}
    void onIncoming(const std::string& message) { say("<", message); }
    void onOutgoing(const std::string& message) { say(">", message); }
    void onEvent(const std::string& text) { say(".", text); }
};

struct LinesFactory : FIX::LogFactory {
    FIX::Log* create() { return new Lines; }
    FIX::Log* create(const FIX::SessionID&) { return new Lines; }
    void destroy(FIX::Log* log) { delete log; }
};

struct Terminal : FIX::Application {
    void onCreate(const FIX::SessionID& id) { session = id; }
    void onLogon(const FIX::SessionID&) { say("logon"); }
    void onLogout(const FIX::SessionID&) { say("logout"); }
    void toAdmin(FIX::Message&, const FIX::SessionID&) {}
    void toApp(FIX::Message&, const FIX::SessionID&) throw(FIX::DoNotSend) {}
    void fromAdmin(const FIX::Message&, const FIX::SessionID&)
        throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue, FIX::RejectLogon) {}
    void fromApp(const FIX::Message& message, const FIX::SessionID&)
        throw(FIX::FieldNotFound, FIX::IncorrectDataFormat, FIX::IncorrectTagValue, FIX::UnsupportedMessageType) {
        say("app", message.toString());
    }

    FIX::SessionID session;
};

static void send(const std::string& fields, const FIX::SessionID& session) {
    FIX::Message message;
    std::istringstream each(fields);
    for (std::string field; std::getline(each, field, '|');) {
        const std::size_t equals = field.find('=');
        const int tag = std::atoi(field.substr(0, equals).c_str());
        FIX::FieldMap& part = tag == 35 ? static_cast<FIX::FieldMap&>(message.getHeader()) : message;
        part.setField(tag, field.substr(equals + 1));
    }
    FIX::Session::sendToTarget(message, session);
}

// What the engine logs as come it may still be dealing with.
static void await(int next, FIX::Session& session) {
    for (int round = 0; session.getExpectedTargetNum() != next; ++round) {
        if (round == 6000) throw std::runtime_error("expects " + std::to_string(session.getExpectedTargetNum()));
        usleep(10000);
    }
}

static void obey(const std::string& line, const FIX::SessionID& id) {
    FIX::Session* const session = FIX::Session::lookupSession(id);
    const std::size_t space = line.find(' ');
    const std::string verb = line.substr(0, space), rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (verb == "send") send(rest, id);
    else if (verb == "out") session->setNextSenderMsgSeqNum(std::atoi(rest.c_str()));
    else if (verb == "in") session->setNextTargetMsgSeqNum(std::atoi(rest.c_str()));
    else if (verb == "await") await(std::atoi(rest.c_str()), *session);
    else if (verb == "rest") return;  // Each end is of its own connection here.
    else if (verb == "logout") session->logout();
    else if (verb == "logon") session->logon();
    else say("?", line);
}

template <typename Host>
static void serve(Host& host, const Terminal& terminal) {
    host.start();
    say("ready");
    for (std::string line; std::getline(std::cin, line) && line != "quit";) {
        try { obey(line, terminal.session); } catch (const std::exception& error) { say("?", error.what()); }
        say("done");
    }
    // Its threads end with the process; a clean stop would wait for the peer.
    _exit(0);
}

int main(int count, char** words) try {
    if (count != 3) return 2;
    const FIX::SessionSettings settings(words[2]);
    Terminal terminal;
    FIX::FileStoreFactory stores(settings);
    LinesFactory logs;
    if (words[1] == std::string("acceptor")) {
        FIX::SocketAcceptor host(terminal, stores, settings, logs);
        serve(host, terminal);
    } else {
        FIX::SocketInitiator host(terminal, stores, settings, logs);
        serve(host, terminal);
    }
} catch (const std::exception& error) {
    say("?", error.what());
    return 1;
}
